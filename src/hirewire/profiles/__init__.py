"""Profiles and resumes."""
