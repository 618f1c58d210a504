"""Answers of `auth`."""

from pydantic import JsonValue

from hirewire.web.api.models.base import Model, Moment


class Tokens(Model):
    """The tokens of a session."""

    accessToken: str
    refreshToken: str


class Admitted(Model):
    """An access token for an API key, and some of the requests of its minute."""

    accessToken: str
    limit: int
    granted: int
    used: int
    seconds: float


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


class ApiKey(Model):
    """An API key of a company, without its text."""

    id: str
    name: str
    scopes: tuple[str, ...]
    createdAt: Moment
    createdBy: str | None = None
    expiresAt: Moment
    usedAt: Moment | None = None
    requestsPerMinute: int
    rotating: bool = False


class MadeApiKey(Model):
    """An API key with its text."""

    name: str
    expiresAt: Moment
    key: str
    previousEndsAt: Moment | None = None


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
    pendingEmail: str | None = None
    hasPassword: bool = True
    language: str | None = None
    timeZone: str | None = None


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


class Receipt(Model):
    """Where to follow the erasure of an account."""

    receiptId: str


class ServiceDone(Model):
    """What a service has erased."""

    service: str
    records: int = 0
    at: Moment


class Erasure(Model):
    """The receipt of an erasure."""

    state: str
    services: tuple[ServiceDone, ...] = ()


class Passkey(Model):
    """A passkey of the visitor."""

    id: str
    name: str
    addedAt: Moment
    usedAt: Moment | None = None


class Passkeys(Model):
    """The passkeys of the visitor."""

    items: tuple[Passkey, ...] = ()
    available: bool = False
    """Whether browsers have passkeys at the board's address."""


class PasskeyOptions(Model):
    """What a script calls `navigator.credentials` with."""

    publicKey: dict[str, JsonValue]


class TwoStep(Model):
    """Whether a sign-in with the password also takes a code."""

    on: bool = False
    since: Moment | None = None
    recoveryCodesLeft: int = 0


class NewSecret(Model):
    """A secret for an authenticator app, which no code has confirmed yet."""

    secret: str
    address: str
    """For a QR code."""


class RecoveryCodes(Model):
    """Codes that replace a code of the app, each once."""

    recoveryCodes: tuple[str, ...]
