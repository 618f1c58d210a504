"""Answers of `auth`."""

from hirewire.web.api.models.base import Model, Moment


class Tokens(Model):
    """The tokens of a session."""

    accessToken: str
    refreshToken: str


class Exchanged(Model):
    """The access token for a personal one."""

    accessToken: str


class PersonalToken(Model):
    """A personal access token, without its text."""

    id: str
    name: str
    scopes: tuple[str, ...]
    createdAt: Moment
    expiresAt: Moment
    usedAt: Moment | None = None


class MadeToken(PersonalToken):
    """A new personal access token, with its text."""

    token: str


class Provider(Model):
    """A provider that people can sign in with."""

    id: str
    name: str


class Begun(Model):
    """An attempt to sign in at a provider."""

    url: str
    attempt: str


class Identity(Model):
    """An identity at a provider that the account is connected to."""

    id: str
    provider: str
    name: str
    email: str | None = None
    connectedAt: Moment


class Account(Model):
    """A user's account."""

    id: str
    email: str = ""
    emailVerified: bool = True
    hasPassword: bool = True


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
