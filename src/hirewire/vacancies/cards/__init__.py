"""A resume as an employer reads it, and who has read it."""
