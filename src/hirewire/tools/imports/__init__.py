"""Vacancies and resumes out of files, through the public API."""
