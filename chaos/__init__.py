"""Faults injected into real replicas under load; the books must be right afterwards."""
