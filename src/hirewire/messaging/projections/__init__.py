"""Projections: tables built from events, which can be rebuilt beside those in use."""
