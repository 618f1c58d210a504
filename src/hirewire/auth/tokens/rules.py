"""What a personal access token may do, and for how long."""

from datetime import timedelta
from typing import Literal

Scope = Literal[
    "profiles:read",
    "profiles:write",
    "vacancies:read",
    "vacancies:write",
    "notifications:read",
    "notifications:write",
    "auth:read",
]
LONGEST_DAYS = 366
MOST_TOKENS = 50
EXCHANGED_LIFE = timedelta(seconds=45)
"""How long the access token lasts that the gateway gets. With the 5 seconds that the services allow
for clocks, a revoked token is of no use after 50 seconds."""
NOTED_EVERY = timedelta(hours=1)
"""How often the last use is stored."""
KEPT = timedelta(days=30)
"""How long an expired token stays in the list."""
