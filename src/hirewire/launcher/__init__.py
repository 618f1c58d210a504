"""Starts the platform: embedded engines, supervisor, startup page, doctor."""
