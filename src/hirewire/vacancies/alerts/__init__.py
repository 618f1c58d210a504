"""Alerts of saved searches: a vacancy that is published meets all of them at once."""
