"""Rules of exports."""

from datetime import timedelta

SERVICES = ("auth", "profiles", "vacancies", "notifications")
"""The services that make a part. Exports that were asked for before a service was added wait for no
part of it, and have none.
"""
LINK_LIFE = timedelta(hours=24)
"""How long an export can be downloaded once it is ready."""
PAGE_LINK_LIFE = timedelta(minutes=10)
"""How long a link that the page asks for works."""
GIVE_UP_AFTER = timedelta(days=3)
"""How long an export waits for services that are down."""
A_DAY = timedelta(hours=24)
MOST_A_DAY = 3
FORGOTTEN_AFTER = timedelta(days=90)
"""How long the list shows when somebody exported data."""
