"""Routes for a company's API keys, and the one where the gateway exchanges them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from hirewire.auth.api_keys import commands, models, queries, rules
from hirewire.auth.callers import CurrentSession
from hirewire.auth.companies import NoCompany, company_of
from hirewire.auth.confirming import confirm_password_if_any
from hirewire.auth.logins import TooManyFailures
from hirewire.auth.notices import requester_of
from hirewire.auth.signing import Bearer, current_key, key_token
from hirewire.kit import api_keys
from hirewire.kit.errors import Invalid, Unauthenticated
from hirewire.kit.http import RequestTx
from hirewire.kit.openapi import refuses
from hirewire.kit.settings import Settings
from hirewire.kit.tokens import InvalidToken

router = APIRouter(prefix="/api/auth/api-keys", tags=["API keys"])
internal_router = APIRouter(include_in_schema=False)


@router.get("", responses=refuses(Unauthenticated, NoCompany))
async def listed(
    tx: RequestTx, caller: CurrentSession, request: Request, response: Response
) -> models.Keys:
    """Your company's API keys. Expired ones stay for 30 days."""
    response.headers["Cache-Control"] = "no-store"
    rows = await queries.keys_of(tx, await company_of(tx, caller.user_id))
    most = _settings(request).api_key_requests_per_minute
    return models.Keys(
        items=[
            models.KeyInUse.model_validate(
                dict(row._mapping)
                | {
                    "requests_per_minute": min(row.per_minute or most, most),
                    "rotating": row.secrets > 1,
                }
            )
            for row in rows
        ]
    )


async def _confirmed(
    body: models.NewKey, request: Request, caller: CurrentSession
) -> models.NewKey:
    await confirm_password_if_any(request, caller, body.password)
    return body


async def _confirmed_rotation(
    body: models.Rotation, request: Request, caller: CurrentSession
) -> models.Rotation:
    await confirm_password_if_any(request, caller, body.password)
    return body


@router.post(
    "",
    status_code=201,
    responses=refuses(
        *(Unauthenticated, NoCompany, Invalid, commands.TooManyKeys, TooManyFailures),
    ),
)
async def make(
    # Must come first: no transaction may be open while the password is hashed.
    body: Annotated[models.NewKey, Depends(_confirmed)],
    tx: RequestTx,
    caller: CurrentSession,
    request: Request,
    response: Response,
) -> models.MadeKey:
    """Make an API key of your company. It stays when you leave.

    Only this answer has its text, which begins with `hwk_`. A mail notifies all who act for the
    company. A key makes no keys. Wrong passwords count as failed logins.
    """
    response.headers["Cache-Control"] = "no-store"
    made = await commands.make(
        tx,
        caller,
        name=body.name,
        scopes=body.scopes,
        days=body.days,
        per_minute=body.requests_per_minute,
        by=requester_of(request),
    )
    return models.MadeKey.model_validate(made._asdict())


@router.post(
    "/{id}/rotate",
    status_code=201,
    responses=refuses(
        *(Unauthenticated, NoCompany, Invalid, commands.NoSuchKey, TooManyFailures),
    ),
)
async def rotate(
    id: UUID,
    body: Annotated[models.Rotation, Depends(_confirmed_rotation)],
    tx: RequestTx,
    caller: CurrentSession,
    request: Request,
    response: Response,
) -> models.MadeKey:
    """Give an API key a new text. The one before works for `overlapHours` more, older ones end now.

    Name, scopes and limits stay. A mail notifies all who act for the company.
    """
    response.headers["Cache-Control"] = "no-store"
    made, ends = await commands.rotate(
        tx,
        caller,
        id,
        days=body.days,
        overlap_hours=body.overlap_hours,
        by=requester_of(request),
    )
    return models.MadeKey.model_validate({**made._asdict(), "previous_ends_at": ends})


@router.delete(
    "/{id}",
    status_code=204,
    responses=refuses(Unauthenticated, NoCompany, commands.NoSuchKey),
)
async def revoke(id: UUID, tx: RequestTx, caller: CurrentSession, request: Request) -> None:
    """Revoke an API key. It stops working within seconds; a mail notifies all who act for the
    company.
    """
    await commands.revoke(tx, caller, id, requester_of(request))


@internal_router.post("/internal/api-key")
async def exchange(body: models.Presented, tx: RequestTx, request: Request) -> models.Admitted:
    """A short-lived access token for an API key, and a part of its requests, for the gateway."""
    found = None
    if api_keys.is_well_formed(body.key):
        found = await queries.presented(tx, body.key)
    if found is None:
        raise InvalidToken
    settings = _settings(request)
    most = settings.api_key_requests_per_minute
    limit = min(found.per_minute or most, most)
    await commands.note_use(tx, found.id, found.used_at)
    bearer = Bearer(found.id, found.company_id, found.name, found.email_verified)
    token = key_token(
        await current_key(tx),
        issuer=settings.public_url,
        bearer=bearer,
        scope=" ".join(found.scopes),
        life=rules.EXCHANGED_LIFE,
    )
    taken = await commands.lease(tx, found.id, body.asked, limit)
    return models.Admitted(access_token=token, limit=limit, **taken._asdict())


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
