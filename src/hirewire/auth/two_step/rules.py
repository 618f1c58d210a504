"""Codes of authenticator apps (TOTP, RFC 6238), and recovery codes."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import pyotp

from hirewire.auth import limits

SETUP_LIFE = timedelta(minutes=30)
STEP_SECONDS = 30
STEPS_BEFORE, STEPS_AFTER = 3, 2
"""Steps around the current one whose codes count. A clock that is 60 s off is two steps off; a code
that is typed while the next one appears is one more behind. RFC 6238 asks for as few as the clocks
allow: each step makes guessing easier, which `MOST_WRONG` makes up for."""
MOST_WRONG = 20
"""Wrong codes within `WRONG_WINDOW`, after which only recovery codes count: of the million codes
six are right at a time, so who knows the password guesses one in 8,000 days."""
WRONG_WINDOW = timedelta(days=1)
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike."""
_GROUPS, _GROUP = 3, 4


def new_secret() -> str:
    """A secret of 160 bits, as RFC 4226 recommends, in base32."""
    return pyotp.random_base32(32)


def address_of(secret: str, email: str) -> str:
    """The `otpauth:` address that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Hirewire")


def step_of(secret: str, code: str, moment: datetime, last_step: int | None) -> int | None:
    """The time step of a code; None if it is wrong, too old, or not newer than the last one."""
    if not is_of_app(code):
        return None
    generator = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(moment.timestamp()) // STEP_SECONDS
    steps = range(current - STEPS_BEFORE, current + STEPS_AFTER + 1)
    right = [n for n in steps if hmac.compare_digest(generator.generate_otp(n), code)]
    newer = [step for step in right if last_step is None or step > last_step]
    return newer[0] if newer else None


def pause(wrong: int, since: datetime | None, moment: datetime) -> timedelta:
    """How long no code of the app counts; zero if it does."""
    return limits.pause(wrong, since, MOST_WRONG, moment, WRONG_WINDOW)


def new_codes() -> list[str]:
    """Recovery codes, of 59 bits each."""
    return [_new_code() for _ in range(RECOVERY_CODES)]


def _new_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def plain(code: str) -> str:
    """A code as typed, without spaces, hyphens and capital letters."""
    return "".join(c for c in code.lower() if c.isalnum())


def is_of_app(code: str) -> bool:
    """Whether a plain code is one of the app, rather than a recovery code."""
    return len(code) == 6 and code.isascii() and code.isdigit()


def mark(secret: str, code: str) -> bytes:
    """The digest by which a plain recovery code is found, keyed with the secret.

    The secret is encrypted with `HIREWIRE_SECRET_KEY`: who has the database alone cannot guess, and
    the digests outlive a change of that key.
    """
    return hmac.digest(secret.encode(), f"recovery code {code}".encode(), hashlib.sha256)
