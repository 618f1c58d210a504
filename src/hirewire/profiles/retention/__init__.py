"""Resumes untouched for a long time: their owners are asked, then the resumes are deleted."""
