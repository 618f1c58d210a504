"""Interviews in the calendars of people: files, and a private feed."""
