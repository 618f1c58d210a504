"""Registering, and who one is."""
