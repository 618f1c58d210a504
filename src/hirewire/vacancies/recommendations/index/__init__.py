"""Vacancies and resumes as arrays, and which can fit: derived from the table `comparable`."""
