"""Notices about matches of resumes and vacancies, grouped."""
