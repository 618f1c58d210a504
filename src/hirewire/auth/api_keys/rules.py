"""What an API key may do, for how long, and how often."""

from datetime import timedelta
from typing import Literal

Scope = Literal[
    "vacancies:read",
    "vacancies:write",
    "applications:read",
    "applications:write",
    "webhooks:read",
    "webhooks:write",
]
LONGEST_DAYS = 366
MOST_KEYS = 20
"""Of one company, expired ones too."""
EXCHANGED_LIFE = timedelta(seconds=45)
"""How long the access token lasts that the gateway gets, as for personal access tokens."""
NOTED_EVERY = timedelta(hours=1)
"""How often the last use is stored."""
LONGEST_OVERLAP_HOURS = 7 * 24
KEPT = timedelta(days=30)
"""How long an expired key stays in the list."""
WARNED_BEFORE = timedelta(days=7)
"""How long before a key expires its company is mailed; of a short life, in the last quarter."""
WINDOW_SECONDS = 60
SHARE = 10
"""A gateway is given at most one part in so many of the requests that are left, so that few of them
lie idle in one process when another needs them."""
