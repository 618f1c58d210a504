"""How long a change of the address can be confirmed, and how often a code may be guessed."""

from datetime import timedelta

LIFE = timedelta(minutes=30)
MOST_ATTEMPTS = 5
"""Wrong codes, after which only the link works."""
