"""Deterministic simulation of the messaging core: the real code over a seeded world."""
