"""Roles, as they follow from what is heard."""
