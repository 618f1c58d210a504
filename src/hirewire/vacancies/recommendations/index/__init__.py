"""Vacancies and resumes as arrays, with a prefilter: derived from the table `comparable`."""
