"""Routes for the second step of a sign-in."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.auth import granting
from hirewire.auth.callers import Current, CurrentSession
from hirewire.auth.confirming import Confirmation, confirm_password
from hirewire.auth.granting import Tokens
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.two_step import commands, queries, rules
from hirewire.auth.two_step.commands import TooManyCodes
from hirewire.auth.where import network_of
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind, Unauthenticated
from hirewire.kit.http import RequestTx, transactions_of
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import refuses
from hirewire.kit.refusals import AccountBlocked

router = APIRouter(prefix="/api/auth", tags=["two-step sign-in"])


class AlreadyOn(AppError):
    """Two-step sign-in is on already."""

    slug = "two-step-already-on"
    code = "two_step_already_on"
    kind = Kind.CONFLICT


class NotBegun(AppError):
    """Begin again: there is no secret to confirm, or it is more than 30 minutes old."""

    slug = "two-step-not-begun"
    code = "two_step_not_begun"
    kind = Kind.CONFLICT


class NotOn(AppError):
    """Two-step sign-in is off."""

    slug = "two-step-not-on"
    code = "two_step_not_on"
    kind = Kind.CONFLICT


class LoginExpired(AppError):
    """This sign-in has expired; begin again with the password."""

    slug = "login-expired"
    code = "login_expired"
    kind = Kind.GONE


Code = Annotated[str, Field(max_length=100, repr=False)]
"""A code of the app, or a recovery code."""


class OneCode(Body):
    """A code."""

    code: Code


class ConfirmedCode(Confirmation):
    """The password and a code."""

    code: Code


class SecondFactor(Body):
    """The ticket of a login, and a code."""

    ticket: Annotated[str, Field(max_length=200, repr=False)]
    code: Code


class TwoStep(Answer):
    """Whether a sign-in with the password also takes a code."""

    on: bool
    since: datetime | None
    recovery_codes_left: int


class Secret(Answer):
    """A secret for an authenticator app. It counts once a code has confirmed it."""

    secret: str
    """In base32, to be typed in."""
    address: str
    """As `otpauth:` address, for a QR code."""


class RecoveryCodes(Answer):
    """Codes that replace a code of the app, each once. They are shown only here."""

    recovery_codes: list[str]


@router.get("/two-step", responses=refuses(Unauthenticated))
async def state(tx: RequestTx, caller: CurrentSession, response: Response) -> TwoStep:
    """Whether two-step sign-in is on for the caller."""
    response.headers["Cache-Control"] = "no-store"
    since = await queries.since(tx, caller.user_id)
    left = await queries.codes_left(tx, caller.user_id) if since else 0
    return TwoStep(on=since is not None, since=since, recovery_codes_left=left)


@router.post("/two-step", responses=refuses(Unauthenticated, Invalid, AlreadyOn, TooManyFailures))
async def begin(
    body: Confirmation, request: Request, caller: CurrentSession, response: Response
) -> Secret:
    """Make a secret for an authenticator app; `/two-step/confirm` turns two-step sign-in on."""
    response.headers["Cache-Control"] = "no-store"
    email = await confirm_password(request, caller, body.password)
    async with transactions_of(request)() as tx:
        secret = await commands.begin(tx, caller.user_id)
    if secret is None:
        raise AlreadyOn
    return Secret(secret=secret, address=rules.address_of(secret, email))


@router.post("/two-step/confirm", responses=refuses(Unauthenticated, Invalid, NotBegun))
async def confirm(
    body: OneCode, request: Request, caller: CurrentSession, response: Response
) -> RecoveryCodes:
    """Turn two-step sign-in on with the first code of the app; a mail notifies the user."""
    response.headers["Cache-Control"] = "no-store"
    async with transactions_of(request)() as tx:
        done = await commands.confirm(tx, caller.user_id, body.code, requester_of(request))
    if done == "none":
        raise NotBegun
    if done == "wrong":
        raise _wrong()
    return RecoveryCodes(recovery_codes=done)


@router.post(
    "/two-step/recovery-codes",
    responses=refuses(Unauthenticated, Invalid, NotOn, TooManyFailures, TooManyCodes),
)
async def renew_codes(
    body: ConfirmedCode, request: Request, caller: CurrentSession, response: Response
) -> RecoveryCodes:
    """Make new recovery codes; those of before stop working. A mail notifies the user."""
    response.headers["Cache-Control"] = "no-store"
    await _confirm(request, caller, body.password)
    async with transactions_of(request)() as tx:
        done = await commands.renew_codes(tx, caller.user_id, body.code, requester_of(request))
    if done is None:
        raise _wrong()
    return RecoveryCodes(recovery_codes=list(done))


@router.post(
    "/two-step/off",
    status_code=204,
    responses=refuses(Unauthenticated, Invalid, NotOn, TooManyFailures, TooManyCodes),
)
async def turn_off(body: ConfirmedCode, request: Request, caller: CurrentSession) -> None:
    """Turn two-step sign-in off; a mail notifies the user."""
    await _confirm(request, caller, body.password)
    async with transactions_of(request)() as tx:
        is_off = await commands.turn_off(tx, caller.user_id, body.code, requester_of(request))
    if not is_off:
        raise _wrong()


@router.post(
    "/login/second-factor",
    responses=refuses(LoginExpired, Invalid, AccountBlocked, TooManyFailures, TooManyCodes),
)
async def second_factor(body: SecondFactor, request: Request, response: Response) -> Tokens:
    """Complete a login that was answered with `second_factor_needed`.

    The ticket works for 5 minutes and ends with the fifth wrong code. Wrong codes count as failed
    logins.
    """
    async with transactions_of(request)() as tx:
        done = await commands.complete_login(
            tx, body.ticket, body.code, network_of(request), requester_of(request)
        )
        if isinstance(done, granting.Owner):
            return await granting.sign_in(tx, request, response, done, is_strong=True)
    if done == "expired":
        raise LoginExpired
    raise _wrong()


async def _confirm(request: Request, caller: Current, password: str) -> None:
    """Check the password, and that two-step sign-in is on. Raises `NotOn`."""
    await confirm_password(request, caller, password)
    async with transactions_of(request)() as tx:
        if await queries.since(tx, caller.user_id) is None:
            raise NotOn


def _wrong() -> Invalid:
    return Invalid(errors=[FieldError("#/code", "is wrong or was used before", "wrong_code")])
