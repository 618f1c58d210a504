"""Routes of operators: people, and the log of operators' acts."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.auth.admins import LastAdmin, Operator
from hirewire.auth.operator_mails import Board
from hirewire.auth.operators import commands, queries
from hirewire.auth.operators.commands import Act
from hirewire.auth.operators.models import AddressList, Ids, PersonDetails, PersonLine
from hirewire.contracts.auth import Role
from hirewire.kit import audit_log
from hirewire.kit.audit_log import OperatorAct, Reason
from hirewire.kit.errors import NotAnOperator, NotFound, Unauthenticated
from hirewire.kit.http import (
    OperatorSecondFactor,
    Page,
    PageParams,
    RequestTx,
    bad_cursor,
    page_of,
)
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth/admin", tags=["operators"])
# `Operator` stands before `RequestTx`: it needs transactions of its own, and no request may hold
# one while it waits for another.
REFUSED = (Unauthenticated, NotAnOperator, OperatorSecondFactor)


def _board(request: Request) -> Board:
    settings = request.app.state.settings
    return Board(settings.public_url, settings.contact_email)


@router.get("/people", responses=refuses(*REFUSED))
async def people(
    _: Operator,
    tx: RequestTx,
    query: PageParams,
    request: Request,
    response: Response,
    q: Annotated[str, Query(max_length=254)] = "",
    role: Role | None = None,
    state: Literal["blocked", "active"] | None = None,
) -> Page[PersonLine]:
    """The people registered last. `q` is the beginning of an address or of an id."""
    try:
        after = UUID(query.after[0]) if query.after else None
    except ValueError:
        raise bad_cursor() from None
    filters = queries.Filters(q, role, None if state is None else state == "blocked")
    rows = await queries.people(tx, filters, query.limit, after)
    response.headers["Cache-Control"] = "no-store"
    return page_of(rows, query, request, response, PersonLine, cursor=lambda row: (row.id,))


@router.get("/people/{id}", responses=refuses(*REFUSED, NotFound))
async def person(id: UUID, _: Operator, tx: RequestTx, response: Response) -> PersonDetails:
    """One person."""
    found = await queries.person(tx, id)
    if found is None:
        raise NotFound
    response.headers["Cache-Control"] = "no-store"
    return PersonDetails.model_validate(found)


@router.post(
    "/people/{id}/block",
    status_code=204,
    responses=refuses(*REFUSED, NotFound, commands.OwnAccount, commands.AlreadyBlocked),
)
async def block(
    id: UUID, body: Reason, operator: Operator, tx: RequestTx, request: Request
) -> None:
    """Block a person: no sign-in, sessions end, tokens are refused. A mail says why."""
    await commands.block(tx, Act(operator.user_id, id, body.why), _board(request))


@router.post(
    "/people/{id}/unblock",
    status_code=204,
    responses=refuses(*REFUSED, NotFound, commands.NotBlocked),
)
async def unblock(
    id: UUID, body: Reason, operator: Operator, tx: RequestTx, request: Request
) -> None:
    """Let a person sign in again. A mail says so, without the reason."""
    await commands.unblock(tx, Act(operator.user_id, id, body.why), _board(request))


@router.post("/people/{id}/end-sessions", status_code=204, responses=refuses(*REFUSED, NotFound))
async def end_sessions(id: UUID, body: Reason, operator: Operator, tx: RequestTx) -> None:
    """End all sessions of a person. Access tokens stay valid for up to 10 minutes."""
    await commands.end_all_sessions(tx, Act(operator.user_id, id, body.why))


@router.post("/people/{id}/reset-link", status_code=204, responses=refuses(*REFUSED, NotFound))
async def reset_link(
    id: UUID, body: Reason, operator: Operator, tx: RequestTx, request: Request
) -> None:
    """Send a link for a new password to the person's stored address; it works for 30 minutes."""
    await commands.send_reset_link(tx, Act(operator.user_id, id, body.why), _board(request))


@router.post(
    "/people/{id}/verify",
    status_code=204,
    responses=refuses(*REFUSED, NotFound, commands.AlreadyVerified),
)
async def verify(id: UUID, body: Reason, operator: Operator, tx: RequestTx) -> None:
    """Count the person's address as verified. Access tokens say so after the next refresh."""
    await commands.verify(tx, Act(operator.user_id, id, body.why))


@router.post(
    "/people/{id}/make-admin",
    status_code=204,
    responses=refuses(
        *REFUSED,
        NotFound,
        commands.AlreadyAdmin,
        commands.PersonNotVerified,
        commands.AlreadyBlocked,
    ),
)
async def make_admin(id: UUID, body: Reason, operator: Operator, tx: RequestTx) -> None:
    """Make a person an operator. Access tokens say so after the next refresh."""
    await commands.make_admin(tx, Act(operator.user_id, id, body.why))


@router.post(
    "/people/{id}/remove-admin",
    status_code=204,
    responses=refuses(*REFUSED, NotFound, commands.NotAdmin, LastAdmin),
)
async def remove_admin(id: UUID, body: Reason, operator: Operator, tx: RequestTx) -> None:
    """Make an operator an ordinary user again. All their sessions end."""
    await commands.remove_admin(tx, Act(operator.user_id, id, body.why))


@router.post("/addresses", responses=refuses(*REFUSED))
async def addresses(body: Ids, _: Operator, tx: RequestTx, response: Response) -> AddressList:
    """The addresses of these people. Those of unknown and erased people are left out."""
    response.headers["Cache-Control"] = "no-store"
    return AddressList(items=await queries.addresses(tx, body.ids))


@router.get("/audit", responses=refuses(*REFUSED))
async def audit(
    _: Operator,
    tx: RequestTx,
    query: PageParams,
    request: Request,
    response: Response,
    user: UUID | None = None,
) -> Page[OperatorAct]:
    """What operators have done in this service, the last act first; to one person with `user`."""
    return await audit_log.answer(tx, query, request, response, user)
