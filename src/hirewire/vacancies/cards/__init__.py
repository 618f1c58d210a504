"""Resumes as employers see them, and who has viewed them."""
