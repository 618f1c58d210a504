"""Suggestions of places by the typed beginning of a name."""
