"""How often a code may be guessed."""

MOST_ATTEMPTS = 5
"""Wrong codes, after which only the link works."""
