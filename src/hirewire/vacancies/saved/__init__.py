"""Vacancies that people have saved for later."""
