"""Routes for personal access tokens, and the one where the gateway exchanges them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from hirewire.auth.callers import CurrentSession
from hirewire.auth.confirming import confirm_password_if_any
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.signing import access_token, current_key
from hirewire.auth.tokens import commands, queries, rules
from hirewire.auth.tokens.rules import Scope
from hirewire.kit import personal_tokens
from hirewire.kit.errors import Invalid, NotFound, Unauthenticated
from hirewire.kit.http import RequestTx
from hirewire.kit.models import Answer, Body, text
from hirewire.kit.openapi import refuses
from hirewire.kit.tokens import InvalidToken

router = APIRouter(prefix="/api/auth/tokens", tags=["tokens"])
internal_router = APIRouter(include_in_schema=False)


class NewToken(Body):
    """A personal access token to make."""

    name: Annotated[str, text(1, 100)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)]
    days: Annotated[int, Field(ge=1, le=rules.LONGEST_DAYS)] = 90
    """After so many days it expires."""
    password: Annotated[str | None, Field(max_length=1000, repr=False)] = None
    """The current password, of an account that has one."""


class PersonalToken(Answer):
    """A personal access token, without its text."""

    id: UUID
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """The last use, exact to the hour."""


class MadeToken(PersonalToken):
    """A new personal access token, with its text: no other answer has it."""

    token: str


class PersonalTokens(Answer):
    """The caller's personal access tokens, the newest first."""

    items: list[PersonalToken]


@router.get("", responses=refuses(Unauthenticated))
async def listed(tx: RequestTx, caller: CurrentSession, response: Response) -> PersonalTokens:
    """The caller's tokens. Expired ones stay for 30 days."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.tokens_of(tx, caller.user_id)
    return PersonalTokens(items=[PersonalToken.model_validate(row) for row in rows])


async def _confirmed(body: NewToken, request: Request, caller: CurrentSession) -> NewToken:
    await confirm_password_if_any(request, caller, body.password)
    return body


@router.post(
    "",
    status_code=201,
    responses=refuses(Unauthenticated, Invalid, commands.TooManyTokens, TooManyFailures),
)
async def make(
    # Must come first: no transaction may be open while the password is hashed.
    body: Annotated[NewToken, Depends(_confirmed)],
    tx: RequestTx,
    caller: CurrentSession,
    request: Request,
    response: Response,
) -> MadeToken:
    """Make a token with scopes: `<service>:read` for GET, `<service>:write` for all other methods.

    Only this answer has its text, which begins with `hw_`. A mail notifies the user. A token must
    not make tokens or change the account. Wrong passwords count as failed logins.
    """
    response.headers["Cache-Control"] = "no-store"
    made = await commands.make(
        tx,
        caller,
        name=body.name,
        scopes=body.scopes,
        days=body.days,
        by=requester_of(request),
    )
    return MadeToken(**made._asdict(), name=body.name, scopes=sorted(set(body.scopes)))


@router.delete("/{id}", status_code=204, responses=refuses(Unauthenticated, NotFound))
async def revoke(id: UUID, tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """Revoke a token. It stops working within a minute; a mail notifies the user."""
    if not await commands.revoke(tx, caller.user_id, id, requester_of(request)):
        raise NotFound


class Presented(Body):
    """A personal access token that somebody presents to the gateway."""

    token: Annotated[str, Field(max_length=200, repr=False)]


class Exchanged(Answer):
    """The access token for it."""

    access_token: str


@internal_router.post("/internal/personal-token")
async def exchange(body: Presented, tx: RequestTx, request: Request) -> Exchanged:
    """A short-lived access token with the scopes of a personal one, for the gateway."""
    found = None
    if personal_tokens.is_well_formed(body.token):
        found = await queries.owner_of(tx, body.token)
    if found is None:
        raise InvalidToken
    await commands.note_use(tx, found.id, found.used_at)
    return Exchanged(
        access_token=access_token(
            await current_key(tx),
            issuer=request.app.state.settings.public_url,
            user_id=found.user_id,
            session_id=None,
            role=found.role,
            email_verified=found.email_verified,
            scope=" ".join(found.scopes),
            life=rules.EXCHANGED_LIFE,
        )
    )
