"""Signing keys: creation, rotation and publication."""
