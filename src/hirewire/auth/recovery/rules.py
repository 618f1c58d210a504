"""How long the link of a forgotten password works."""

from datetime import timedelta

LINK_LIFE = timedelta(minutes=30)
