"""Saved searches as conditions for one vacancy, in memory: derived from the table."""
