"""Session lifetimes."""

from datetime import timedelta

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
DOUBLE_SUBMIT = timedelta(seconds=10)
