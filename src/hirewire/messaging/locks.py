"""Names of PostgreSQL's advisory locks."""

import hashlib


def lock_number(name: str) -> int:
    """A number for PostgreSQL's advisory locks, from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
