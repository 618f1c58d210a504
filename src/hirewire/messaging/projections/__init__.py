"""Projections: tables that are built from events, and can be built again beside those in use."""
