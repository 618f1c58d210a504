"""Routes that sign in at a provider, and that connect and disconnect one."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.auth import granting, login_tickets, registering
from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import confirm_password_if_any
from hirewire.auth.consenting import ConsentOutdated, agree, require_current
from hirewire.auth.granting import Tokens
from hirewire.auth.identities import commands, queries
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.openid import attempts
from hirewire.auth.openid.answers import Identity, NotValid, is_expected
from hirewire.auth.openid.attempts import NotThisAttempt
from hirewire.auth.openid.providers import CodeRefused, Provider, ProviderAway, provider_of
from hirewire.auth.registering import TooManyRegistrations
from hirewire.auth.ways_in import LastWayIn
from hirewire.auth.where import network_of, where_of
from hirewire.kit.errors import AppError, Invalid, Kind, NotFound, Unauthenticated, Unavailable
from hirewire.kit.http import RequestTx, transactions_of
from hirewire.kit.models import Answer, Body
from hirewire.kit.notices import LONGEST_VERSION, notice
from hirewire.kit.openapi import refuses
from hirewire.kit.refusals import AccountBlocked
from hirewire.kit.settings import Settings
from hirewire.kit.sign_in_providers import SignInProvider

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/auth", tags=["identities"])
PATIENCE = 9.0
"""Seconds for all calls to a provider that one request needs."""


class ProviderIsAway(Unavailable):
    """The provider cannot be reached right now; try again shortly."""

    slug = "provider-away"
    code = "provider_away"


class ProviderNotTrusted(AppError):
    """The answer of the provider is not valid."""

    slug = "provider-not-trusted"
    code = "provider_not_trusted"
    kind = Kind.FORBIDDEN


class SignInRefused(AppError):
    """The provider does not accept this sign-in any more: begin again."""

    slug = "sign-in-refused"
    code = "sign_in_refused"
    kind = Kind.GONE


class ConsentNeeded(Unauthenticated):
    """There is no account yet: agree to the privacy notice to create one."""

    slug = "consent-needed"
    code = "consent_needed"


class ListedProvider(Answer):
    """A provider that people can sign in with."""

    id: str
    name: str


class ProviderList(Answer):
    """The providers, in the order of the setting."""

    items: list[ListedProvider]


class Begun(Answer):
    """An attempt to sign in."""

    url: str
    """Where the browser goes."""
    attempt: str
    """What the same browser brings back with the provider's answer."""


class Brought(Body):
    """What the browser brings back from the provider."""

    attempt: Annotated[str, Field(max_length=4000, repr=False)]
    state: Annotated[str, Field(max_length=500, repr=False)]
    code: Annotated[str, Field(min_length=1, max_length=4000, repr=False)]
    iss: Annotated[str | None, Field(max_length=500)] = None


class SigningUp(Body):
    """The consent of somebody new."""

    ticket: Annotated[str, Field(max_length=100, repr=False)]
    consent: Annotated[str, Field(max_length=LONGEST_VERSION)]
    """The version of the privacy notice that the user agrees to."""


class Connecting(Body):
    """The current password, of an account that has one."""

    password: Annotated[str | None, Field(max_length=1000, repr=False)] = None


class ConnectedIdentity(Answer):
    """An identity at a provider that the account is connected to."""

    id: UUID
    provider: str
    """The provider's id. It may not be in the setting any more."""
    name: str
    """The provider's name, or its address."""
    email: str | None
    """The address there."""
    connected_at: datetime


class IdentityList(Answer):
    """The identities that the caller is connected to."""

    items: list[ConnectedIdentity]


BEGINNING = refuses(NotFound, ProviderIsAway, ProviderNotTrusted)
FINISHING = (
    TooManyFailures,
    NotFound,
    commands.SignInExpired,
    SignInRefused,
    ProviderIsAway,
    ProviderNotTrusted,
)


def _settings(request: Request) -> Mapping[str, SignInProvider]:
    settings: Settings = request.app.state.settings
    return settings.sign_in_providers


def _provider(request: Request, id: str) -> Provider:
    found = _settings(request).get(id)
    if found is None:
        raise NotFound
    return provider_of(found)


@router.get("/providers")
async def listed(request: Request) -> ProviderList:
    """The providers that people can sign in with."""
    return ProviderList(
        items=[ListedProvider(id=id, name=one.name) for id, one in _settings(request).items()]
    )


@router.post("/providers/{id}/begin", responses=BEGINNING)
async def begin(id: str, request: Request, response: Response) -> Begun:
    """Begin a sign-in at a provider: where the browser goes, and what it keeps for 10 minutes."""
    return await _begin(id, request, response)


@router.post(
    "/providers/{id}/finish",
    responses=refuses(
        *FINISHING,
        AccountBlocked,
        login_tickets.SecondFactorNeeded,
        ConsentNeeded,
        commands.NoEmailAtProvider,
        commands.EmailUnverifiedAtProvider,
        commands.ConnectFirst,
    ),
)
async def finish(id: str, body: Brought, request: Request, response: Response) -> Tokens:
    """Sign in with what the browser brings back.

    An account with the same address is connected if both sides have verified it. Somebody new,
    whose address the provider has verified, gets a 401 with `code` `consent_needed` and three
    members more: `email`, and a `ticket` for `/sign-up` that works once, within `expiresIn`
    seconds. With two-step sign-in, a code is needed as after a password. Callbacks that sign nobody
    in are limited by network.
    """
    transactions = transactions_of(request)
    provider = _provider(request, id)
    callback = await _admitted(request)
    found, access = await _identity(provider, id, body, request)
    async with transactions() as tx:
        is_known = await queries.owner_of(tx, found) is not None
    if not is_known:
        found = await _completed(provider, found, access)
    async with transactions() as tx:
        owner = await commands.owner_of(tx, found, id, requester_of(request))
        if owner is None:
            answer = _consent_needed(await commands.issue_ticket(tx, found, id), found)
        elif not await login_tickets.is_code_needed(tx, owner.user_id):
            await commands.forgive(tx, callback)
            return await granting.sign_in(tx, request, response, owner)
        else:
            await commands.forgive(tx, callback)
            answer = login_tickets.needed(await login_tickets.issue(tx, owner.user_id))
    raise answer


def _consent_needed(ticket: str, found: Identity) -> Unauthenticated:
    life = int(commands.SIGN_UP_LIFE.total_seconds())
    return ConsentNeeded(extra={"ticket": ticket, "expiresIn": life, "email": found.email})


@router.post(
    "/providers/{id}/sign-up",
    responses=refuses(
        NotFound,
        ConsentOutdated,
        commands.SignInExpired,
        commands.ConnectFirst,
        TooManyRegistrations,
    ),
)
async def sign_up(id: str, body: SigningUp, request: Request, response: Response) -> Tokens:
    """Create the account of somebody new, who agrees to the privacy notice, and sign in."""
    _provider(request, id)
    require_current(body.consent, notice(request.app.state.settings.privacy_notice).version)
    await registering.check_limit(request)
    async with transactions_of(request)() as tx:
        owner = await commands.sign_up(tx, body.ticket, id, requester_of(request))
        await agree(tx, owner.user_id, body.consent, where_of(request))
        return await granting.sign_in(tx, request, response, owner)


@router.get("/identities", responses=refuses(Unauthenticated))
async def connected(
    tx: RequestTx, caller: CurrentSession, request: Request, response: Response
) -> IdentityList:
    """The identities at providers that the caller's account is connected to."""
    response.headers["Cache-Control"] = "no-store"
    names = {one.issuer: one.name for one in _settings(request).values()}
    rows = await queries.identities_of(tx, caller.user_id)
    return IdentityList(
        items=[
            ConnectedIdentity(
                id=row.id,
                provider=row.provider,
                name=names.get(row.issuer, row.issuer),
                email=row.email,
                connected_at=row.connected_at,
            )
            for row in rows
        ]
    )


@router.post(
    "/identities/{provider}/begin",
    responses=refuses(
        Unauthenticated, Invalid, TooManyFailures, NotFound, ProviderIsAway, ProviderNotTrusted
    ),
)
async def begin_connecting(
    provider: str, body: Connecting, request: Request, response: Response, caller: CurrentSession
) -> Begun:
    """Begin to connect the caller's account to an identity at a provider.

    Who can sign in there can sign in here from then on, so the password is needed, if there is one.
    Wrong ones count as failed logins.
    """
    await confirm_password_if_any(request, caller, body.password)
    return await _begin(provider, request, response, str(caller.user_id))


@router.post(
    "/identities/{provider}/finish",
    status_code=204,
    responses=refuses(
        Unauthenticated, *FINISHING, commands.IdentityTaken, commands.AlreadyConnected
    ),
)
async def connect(provider: str, body: Brought, request: Request, caller: CurrentSession) -> None:
    """Connect the caller's account with what the browser brings back; a mail notifies the user."""
    at = _provider(request, provider)
    callback = await _admitted(request)
    found, access = await _identity(at, provider, body, request, str(caller.user_id))
    found = await _completed(at, found, access)
    async with transactions_of(request)() as tx:
        await commands.connect(tx, caller.user_id, found, provider, requester_of(request))
        await commands.forgive(tx, callback)


@router.delete(
    "/identities/{id}", status_code=204, responses=refuses(Unauthenticated, NotFound, LastWayIn)
)
async def disconnect(id: UUID, tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """Disconnect an identity, unless it is the only way to sign in; a mail notifies the user."""
    await commands.disconnect(tx, caller.user_id, id, requester_of(request))


async def _begin(
    id: str, request: Request, response: Response, user_id: str | None = None
) -> Begun:
    provider = _provider(request, id)
    response.headers["Cache-Control"] = "no-store"
    attempt = attempts.begun(id, user_id)
    try:
        metadata = await provider.metadata()
    except (ProviderAway, NotValid) as error:
        raise _failed(id, error) from None
    address = attempts.address(
        metadata, attempt, provider.setting.client_id, _redirect(request, id)
    )
    return Begun(url=address, attempt=attempt.sealed())


async def _admitted(request: Request) -> UUID:
    """Count a callback before the provider is called. Raises `TooManyFailures`."""
    async with transactions_of(request)() as tx:
        return await commands.admit(tx, network_of(request))


async def _identity(
    provider: Provider, id: str, body: Brought, request: Request, user_id: str | None = None
) -> tuple[Identity, str | None]:
    """Who the answer is about, and an access token for their claims."""
    try:
        attempt = attempts.opened(body.attempt, id, body.state, user_id)
    except NotThisAttempt:
        raise commands.SignInExpired from None
    try:
        async with asyncio.timeout(PATIENCE):
            if not is_expected(body.iss, await provider.metadata()):
                raise NotValid("the answer names another issuer")
            return await provider.identity(
                body.code, attempt.verifier, attempt.nonce, _redirect(request, id)
            )
    except (ProviderAway, NotValid, CodeRefused, TimeoutError) as error:
        raise _failed(id, error) from None


async def _completed(provider: Provider, found: Identity, access: str | None) -> Identity:
    try:
        return await provider.completed(found, access)
    except (ProviderAway, NotValid) as error:
        raise _failed(found.issuer, error) from None


def _failed(id: str, error: Exception) -> AppError:
    """The error of the API. Only the log says what was wrong."""
    log.warning(
        "sign-in at a provider failed", provider=id, kind=type(error).__name__, error=str(error)
    )
    if isinstance(error, NotValid):
        return ProviderNotTrusted()
    return SignInRefused() if isinstance(error, CodeRefused) else ProviderIsAway(retry_after=5)


def _redirect(request: Request, id: str) -> str:
    """Where the provider sends the browser back: one address for each, against mix-up."""
    return f"{request.app.state.settings.public_url}/signin/from/{id}"
