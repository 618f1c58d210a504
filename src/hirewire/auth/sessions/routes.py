"""Routes for login, refresh and logout, and for the list of sessions."""

from datetime import datetime
from math import ceil
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.auth import granting, login_tickets
from hirewire.auth.callers import CurrentSession
from hirewire.auth.credentials import email_key, password_fits
from hirewire.auth.failures import note_failure
from hirewire.auth.granting import Tokens
from hirewire.auth.logins import TooManyFailures, admit_locked, end_sessions
from hirewire.auth.notices import requester_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.sessions import commands, queries
from hirewire.auth.signing import session_of
from hirewire.auth.where import network_of, where_of
from hirewire.kit.errors import AppError, Kind, NotFound, Unauthenticated
from hirewire.kit.http import RequestTx, transactions_of
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import SIGNED_IN, refuses
from hirewire.kit.refusals import AccountBlocked
from hirewire.kit.tokens import InvalidToken, Verifier

router = APIRouter(prefix="/api/auth", tags=["sessions"])


class WrongCredentials(Unauthenticated):
    """Wrong email or password."""

    slug = "wrong-credentials"
    code = "wrong_credentials"


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is invalid or expired; log in again."""

    slug = "invalid-refresh-token"
    code = "invalid_refresh_token"


class RefreshedJustNow(AppError):
    """The refresh token was used a moment ago; use the token pair returned then."""

    slug = "refreshed-just-now"
    code = "refreshed_just_now"
    kind = Kind.CONFLICT


class Login(Body):
    """Credentials to log in with."""

    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=1000, repr=False)]


class RefreshToken(Body):
    """A refresh token."""

    refresh_token: Annotated[str, Field(max_length=200, repr=False)]


class Logout(Body):
    """The session to end; without it, the session of the access token."""

    refresh_token: Annotated[str | None, Field(max_length=200, repr=False)] = None


class Session(Answer):
    """A login that has not ended."""

    id: UUID
    started_at: datetime
    used_at: datetime
    """The last refresh."""
    device: str | None
    """Browser and system."""
    network: str | None
    """A neighbourhood of the address: IPv4 /24 or IPv6 /48."""
    current: bool
    """Whether it is the caller's."""


class SessionList(Answer):
    """The caller's sessions, the last used first."""

    items: list[Session]


@router.post(
    "/login",
    responses=refuses(
        WrongCredentials, login_tickets.SecondFactorNeeded, AccountBlocked, TooManyFailures
    ),
)
async def login(body: Login, request: Request, response: Response) -> Tokens:
    """Log in. An unknown email and a wrong password get the same answer, in the same time.

    With two-step sign-in, the right password gets a 401 with `code` `second_factor_needed` and two
    more members: `ticket`, which completes the login with a code, and `expiresIn`, in seconds.
    That an account is blocked is said with the right password only.
    """
    network = network_of(request)
    account = email_key(body.email)
    transactions = transactions_of(request)
    async with transactions() as tx:
        key, stored = await queries.lock_account(tx, account)
        pause = await admit_locked(tx, network, account, stored.id if stored else None)
    if pause:
        raise TooManyFailures(retry_after=ceil(pause.total_seconds()))
    requester = requester_of(request)  # before the hash: what comes after it runs in cold caches
    # No transaction is open while the password is hashed: that takes tens of milliseconds.
    fits = await password_fits(body.password, stored.password_hash if stored else None)
    if stored is None or not fits:
        user_id = stored.id if stored else None
        async with transactions() as tx:
            await note_failure(tx, network, account, user_id, requester)
        raise WrongCredentials
    proof = granting.Proof(granting.Owner(stored.id, account), stored.password_hash)
    usual = await granting.sign_in_as_usual(request, response, proof, requester, key)
    if usual is not None:
        return usual
    async with transactions() as tx:
        done = await granting.sign_in_by_proof(tx, request, response, proof, requester, key)
        if done == "changed":
            raise WrongCredentials  # meanwhile, which has ended all sessions
        if done != "takes a code":
            return done
        ticket = await login_tickets.issue(tx, stored.id)
    raise login_tickets.needed(ticket)


@router.post("/refresh", responses=refuses(InvalidRefreshToken, AccountBlocked, RefreshedJustNow))
async def refresh(body: RefreshToken, request: Request, response: Response) -> Tokens:
    """Exchange a refresh token for a new token pair. Each refresh token works once.

    A second use within 10 seconds counts as a double submit and gets 409. A later one gets 401 and
    ends the session, because the token may have been stolen.
    """
    async with transactions_of(request)() as tx:
        done = await commands.refresh(tx, body.refresh_token, where_of(request))
        if isinstance(done, granting.Granted):
            return await granting.tokens(tx, request, response, done)
    if done == "double":
        raise RefreshedJustNow
    if done == "blocked":
        raise AccountBlocked
    raise InvalidRefreshToken


@router.post(
    "/logout",
    status_code=204,
    responses=refuses(Unauthenticated),
    openapi_extra={"security": [{}, *SIGNED_IN]},
)
async def logout(request: Request, body: Logout | None = None) -> None:
    """End the session of the refresh token; without one, the session of the access token.

    Repeating the call changes nothing. Access tokens stay valid for up to 10 minutes.
    """
    transactions, where = transactions_of(request), where_of(request)
    if body is not None and body.refresh_token is not None:
        async with transactions() as tx:
            await commands.end(tx, body.refresh_token, where)
        return
    session_id = await _session_of_bearer(request)
    async with transactions() as tx:
        await commands.revoke(tx, session_id, "logout", "signed_out", where)


@router.get("/sessions", responses=refuses(Unauthenticated))
async def listed(tx: RequestTx, caller: CurrentSession, response: Response) -> SessionList:
    """The caller's sessions. Network and device are those of the login."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.open_sessions(tx, caller.user_id)
    return SessionList(
        items=[Session(**row._mapping, current=row.id == caller.session_id) for row in rows]
    )


@router.delete("/sessions", status_code=204, responses=refuses(Unauthenticated))
async def end_others(tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """End all sessions of the caller but the current one."""
    await end_sessions(tx, caller.user_id, "ended by the user", but=caller.session_id)
    await note(tx, caller.user_id, "other_sessions_ended", where_of(request))


@router.delete("/sessions/{id}", status_code=204, responses=refuses(Unauthenticated, NotFound))
async def end_one(id: UUID, tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """End one of the caller's sessions. Repeating the call changes nothing."""
    if not await queries.is_theirs(tx, id, caller.user_id):
        raise NotFound
    await commands.revoke(tx, id, "ended by the user", "session_ended", where_of(request))


async def _session_of_bearer(request: Request) -> UUID:
    # Not `Caller`: it would refuse a valid refresh token when the access token has expired.
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    verifier: Verifier = request.app.state.verifier
    caller = await verifier.verify(token.strip())
    request.state.user = str(caller.user_id)
    id = session_of(token.strip())
    if id is None:
        raise InvalidToken
    return id
