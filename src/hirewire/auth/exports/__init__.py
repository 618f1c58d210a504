"""Exports of all data of a person: asked for, collected from the services, downloaded."""
