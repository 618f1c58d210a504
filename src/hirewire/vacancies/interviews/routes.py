"""Routes for interviews; each side has its own view of them."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit.clock import now
from hirewire.kit.http import (
    Caller,
    Once,
    Page,
    PageParams,
    RequestTx,
    VerifiedCaller,
    page_of,
    place_in_time,
)
from hirewire.kit.openapi import refuses
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import NotAnEmployer, company_of, require_company
from hirewire.vacancies.errors import NoSuchApplication, OtherSide
from hirewire.vacancies.interviews import commands, models, queries, times
from hirewire.vacancies.interviews.errors import (
    ActNotAllowed,
    ChangedMeanwhile,
    NoSuchInterview,
    NotYet,
    OneAtATime,
    TooManyInterviews,
)
from hirewire.vacancies.interviews.models import Interview, Interviews
from hirewire.vacancies.interviews.presenters import presented
from hirewire.vacancies.parties import Asker, Party

router = APIRouter(prefix="/api/vacancies", tags=["interviews"])
REFUSALS = (NoSuchInterview, OtherSide, ActNotAllowed, ChangedMeanwhile)


@router.get("/applications/{id}/interviews", responses=refuses(NoSuchApplication))
async def of_application(id: UUID, tx: RequestTx, caller: Caller) -> Interviews:
    """The interviews of an application, the latest first."""
    asker = await _asker(tx, caller)
    of = await queries.application_of(tx, id)
    party = asker.party(of.user_id, of.company_id) if of is not None else None
    if party is None:
        raise NoSuchApplication
    rows = await queries.of_application(tx, id)
    return Interviews(items=await _shown(tx, rows, asker, party))


@router.post(
    "/applications/{id}/interviews",
    status_code=201,
    responses=refuses(NoSuchApplication, OtherSide, NotYet, OneAtATime, TooManyInterviews),
)
async def propose(
    id: UUID, body: models.NewInterview, tx: RequestTx, caller: VerifiedCaller, once: Once
) -> Interview:
    """Propose an interview to a candidate (employers only): one to five times to choose from."""

    async def make() -> Interview:
        asker = await _asker(tx, caller)
        made = await commands.propose(tx, asker, id, _proposal(body))
        return await _answer(tx, asker, made)

    return await once(Interview, make)


@router.get("/interviews", responses=refuses(NotAnEmployer))
async def list_(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
    role: Party = "applicant",
) -> Page[Interview]:
    """What is ahead of you, or (as an employer) of your company: agreed and proposed interviews, in
    the order of their times.
    """
    company = await require_company(tx, caller.user_id) if role == "employer" else None
    rows = await queries.ahead(
        tx,
        role,
        caller.user_id,
        company,
        now(),
        limit=page.limit + 1,
        after=place_in_time(page.after),
    )
    shown = await _shown(tx, rows, Asker(caller.user_id, company), role)
    places = {row.id: row.when for row in rows}
    return page_of(
        shown, page, request, response, Interview, cursor=lambda one: (places[one.id], one.id)
    )


@router.get("/interviews/{id}", responses=refuses(NoSuchInterview))
async def read(id: UUID, tx: RequestTx, caller: Caller) -> Interview:
    """One interview."""
    return await _answer(tx, await _asker(tx, caller), id)


@router.post(
    "/interviews/{id}/move", responses=refuses(*REFUSALS, NotYet, OneAtATime, TooManyInterviews)
)
async def move(
    id: UUID, body: models.MovedInterview, tx: RequestTx, caller: VerifiedCaller
) -> Interview:
    """Propose other times (employers only). A time that was agreed holds no more."""
    asker = await _asker(tx, caller)
    await commands.move(tx, asker, id, body.version, _proposal(body))
    return await _answer(tx, asker, id)


@router.post("/interviews/{id}/choose", responses=refuses(*REFUSALS, NotYet))
async def choose(id: UUID, body: models.Choice, tx: RequestTx, caller: Caller) -> Interview:
    """Choose one of the proposed times (candidates only)."""
    asker = await _asker(tx, caller)
    await commands.choose(tx, asker, id, body.version, body.start)
    return await _answer(tx, asker, id)


@router.post("/interviews/{id}/ask", responses=refuses(*REFUSALS))
async def ask(id: UUID, body: models.Wish, tx: RequestTx, caller: Caller) -> Interview:
    """Ask for other times (candidates only). A time that was agreed holds no more."""
    asker = await _asker(tx, caller)
    await commands.decline(tx, asker, id, body.version, body.message, wants_other_times=True)
    return await _answer(tx, asker, id)


@router.post("/interviews/{id}/decline", responses=refuses(*REFUSALS))
async def decline(id: UUID, body: models.Refusal, tx: RequestTx, caller: Caller) -> Interview:
    """Decline an interview (candidates only). The application goes on."""
    asker = await _asker(tx, caller)
    await commands.decline(tx, asker, id, body.version, body.message, wants_other_times=False)
    return await _answer(tx, asker, id)


@router.post(
    "/interviews/{id}/cancel", responses=refuses(NoSuchInterview, ActNotAllowed, ChangedMeanwhile)
)
async def cancel(id: UUID, body: models.Refusal, tx: RequestTx, caller: Caller) -> Interview:
    """Call an interview off: a proposed one as the employer, an agreed one as either side."""
    asker = await _asker(tx, caller)
    await commands.cancel(tx, asker, id, body.version, body.message)
    return await _answer(tx, asker, id)


def _proposal(body: models.NewInterview) -> commands.Proposal:
    slots = [times.Slot(one.local, one.fold) for one in body.slots]
    return commands.Proposal(slots, body.time_zone, body.minutes, body.place, body.note)


async def _asker(tx: Tx, caller: Principal) -> Asker:
    return Asker(caller.user_id, await company_of(tx, caller.user_id))


async def _answer(tx: Tx, asker: Asker, id: UUID) -> Interview:
    row = await queries.interview_of(tx, id)
    party = asker.party(row.user_id, row.company_id) if row is not None else None
    if row is None or party is None:
        raise NoSuchInterview
    [shown] = await _shown(tx, [row], asker, party)
    return shown


async def _shown(tx: Tx, rows: list[Row[Any]], asker: Asker, party: Party) -> list[Interview]:
    moment = now()
    taken = {}
    if party == "employer":
        people = {row.proposed_by for row in rows if row.proposed_by is not None}
        taken = await queries.taken(tx, sorted(people), moment)
    return [presented(row, asker, party, taken, moment) for row in rows]
