"""Migrations of the database of `auth`."""
