"""Password hashes that cost next to nothing: most tests and journeys do not look at their cost."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from hirewire.auth import credentials

CHEAP = PasswordHash((Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1),))
HASHERS = {
    "real": (credentials._hasher, credentials._nobody),
    "cheap": (CHEAP, CHEAP.hash("nobody has this password")),
}


def use_passwords(kind: str) -> None:
    """Hash passwords at their `real` cost, 30 ms each, or `cheap`."""
    credentials._hasher, credentials._nobody = HASHERS[kind]
