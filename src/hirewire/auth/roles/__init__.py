"""Roles, which follow from consumed events."""
