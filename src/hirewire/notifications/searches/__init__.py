"""Notices about vacancies that meet saved searches, grouped by search."""
