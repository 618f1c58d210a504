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


class Consent(Model):
    """A consent to a version of the privacy notice."""

    version: str
    givenAt: Moment
    device: str | None = None
    network: str | None = None


class Export(Model):
    """A copy of all data of the visitor."""

    id: str
    state: str
    requestedAt: Moment
    readyAt: Moment | None = None
    expiresAt: Moment | None = None
    waitingFor: tuple[str, ...] = ()
    """The services whose parts are not made yet."""


class ExportLink(Model):
    """A token that opens the export."""

    token: str


class OpenExport(Model):
    """An export that can be downloaded now."""

    id: str
    readyAt: Moment
    expiresAt: Moment
    services: tuple[str, ...]
    grant: str | None = None
    """The permission to read the parts, for a download."""


class PartFile(Model):
    """A file of an export."""

    number: int
    path: str
    size: int


class Part(Model):
    """What one service has of an export."""

    files: tuple[PartFile, ...]
