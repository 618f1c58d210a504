"""Answers of `auth`."""

from hirewire.web.api.models.base import Model, Moment


class Tokens(Model):
    """The tokens of a session."""

    accessToken: str
    refreshToken: str


class Account(Model):
    """A user's account."""

    id: str
    email: str = ""
    emailVerified: bool = True


class SecurityEvent(Model):
    """An act that concerns the security of the account."""

    id: str
    what: str
    at: Moment
    device: str | None = None
    network: str | None = None


class Session(Model):
    """A login that has not ended."""

    id: str
    startedAt: Moment
    usedAt: Moment
    device: str | None = None
    network: str | None = None
    current: bool = False
