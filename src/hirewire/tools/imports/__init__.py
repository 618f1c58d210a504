"""Imports vacancies and resumes from files, through the public API."""
