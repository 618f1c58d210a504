"""Password requirements, and the limit on registrations from one network."""

from datetime import datetime, timedelta

from pydantic_core import PydanticCustomError

from hirewire.auth.passwords import is_common, prepared

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
REGISTRATIONS_WINDOW = timedelta(hours=1)


def normalised_password(password: str, email: str) -> str:
    """The password in the form that is hashed: see `prepared`.

    Raises `ValueError` when it is too short, too long, the e-mail address or a common password.
    """
    password = prepared(password)
    if len(password) < SHORTEST_PASSWORD:
        raise PydanticCustomError(
            "string_too_short",
            "at least {min_length} characters",
            {"min_length": SHORTEST_PASSWORD},
        )
    if len(password) > LONGEST_PASSWORD:
        raise PydanticCustomError(
            "string_too_long",
            "at most {max_length} characters",
            {"max_length": LONGEST_PASSWORD},
        )
    if password.strip().casefold() == email.casefold():
        raise PydanticCustomError("password_is_email", "must not be the email address")
    if is_common(password):
        raise PydanticCustomError("password_too_common", "is one of the most common passwords")
    return password


def wait(registrations: int, oldest: datetime | None, most: int, moment: datetime) -> timedelta:
    """How long to wait after this number of registrations in the window; zero if one is allowed.

    `oldest` is the time of the first registration: when it leaves the window, one more is allowed.
    """
    if registrations < most or oldest is None:
        return timedelta(0)
    return max(oldest + REGISTRATIONS_WINDOW - moment, timedelta(0))
