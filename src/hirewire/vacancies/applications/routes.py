"""Routes for applications; each side has its own view of them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from hirewire.kit.errors import FieldError, Invalid
from hirewire.kit.http import (
    Caller,
    Once,
    Page,
    PageParams,
    RequestTx,
    VerifiedCaller,
    page_of,
    place_of_id,
)
from hirewire.kit.openapi import refuses
from hirewire.kit.settings import Settings
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.applications import commands, models, queries, rules
from hirewire.vacancies.applications.errors import (
    AlreadyApplied,
    MoveNotAllowed,
    OwnVacancy,
    ResumeIsDraft,
    TooManyInvitations,
    TooManyMessages,
    VacancyNotOpen,
)
from hirewire.vacancies.applications.models import Application, Message
from hirewire.vacancies.applications.presenters import presented
from hirewire.vacancies.authority import (
    CompanyInactive,
    NotAnEmployer,
    acting_company,
    company_of,
    require_acting_company,
    require_company,
)
from hirewire.vacancies.errors import NoSuchApplication, NoSuchResume, NoSuchVacancy, OtherSide
from hirewire.vacancies.parties import Asker, Party

router = APIRouter(prefix="/api/vacancies", tags=["applications"])


@router.post(
    "/vacancies/{id}/applications",
    status_code=201,
    responses=refuses(
        NoSuchVacancy,
        NoSuchResume,
        ResumeIsDraft,
        VacancyNotOpen,
        OwnVacancy,
        AlreadyApplied,
    ),
)
async def apply(
    id: UUID, body: models.NewApplication, tx: RequestTx, caller: VerifiedCaller, once: Once
) -> Application:
    """Apply for a vacancy with one of your resumes."""

    async def make() -> Application:
        made = await commands.submit(tx, caller.user_id, id, body.resume_id, body.letter)
        return await _answer(tx, Asker(caller.user_id, None), made)

    return await once(Application, make)


@router.post(
    "/vacancies/{id}/invitations",
    status_code=201,
    responses=refuses(
        NotAnEmployer,
        NoSuchVacancy,
        NoSuchResume,
        VacancyNotOpen,
        OwnVacancy,
        AlreadyApplied,
        TooManyInvitations,
    ),
)
async def invite(
    id: UUID,
    body: models.NewInvitation,
    tx: RequestTx,
    caller: VerifiedCaller,
    once: Once,
    request: Request,
) -> Application:
    """Invite the owner of a resume to a vacancy."""
    most = _settings(request).invitations_per_day

    async def make() -> Application:
        asker = Asker(caller.user_id, await require_company(tx, caller.user_id))
        made = await commands.invite(tx, asker, id, body.resume_id, body.message, most)
        return await _answer(tx, asker, made)

    return await once(Application, make)


@router.get("/applications", responses=refuses(NotAnEmployer, CompanyInactive))
async def list_(
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
    role: Party | None = None,
    vacancy: UUID | None = None,
    resume: UUID | None = None,
    stage: rules.Stage | None = None,
    unread: bool = False,
) -> Page[Application]:
    """Your applications, or (as an employer) those of your company; newest first. An API key always
    gets those of its company.

    `unread`: only applications with updates you have not seen.
    """
    role = "employer" if caller.company_id else role or "applicant"
    after, limit = place_of_id(page.after), page.limit + 1
    if role == "employer":
        company = await require_acting_company(tx, caller)
        about = queries.About(vacancy, resume, stage, unread)
        rows = await queries.received_by(
            tx, company, caller.user_id, about, limit=limit, after=after
        )
    elif stage is not None:
        detail = "stage: only with role=employer"
        raise Invalid(errors=[FieldError("", detail, "stage_without_role")])
    else:
        about = queries.About(vacancy, resume, only_unread=unread)
        rows = await queries.sent_by(tx, caller.user_id, about, limit=limit, after=after)
    moves = await queries.moves_of(tx, [row.id for row in rows])
    answers = [presented(row, moves[row.id], role) for row in rows]
    return page_of(answers, page, request, response, Application, cursor=lambda one: (one.id,))


@router.get("/applications/counts", responses=refuses(NotAnEmployer, CompanyInactive))
async def counts(tx: RequestTx, caller: Caller, vacancy: UUID | None = None) -> models.StageCounts:
    """For employers: applications and unread applications, counted by vacancy and stage."""
    company = await require_acting_company(tx, caller)
    rows = await queries.counts(tx, company, caller.user_id, vacancy_id=vacancy)
    return models.StageCounts(items=[models.StageCount.model_validate(row) for row in rows])


@router.get("/applications/unread")
async def unread(tx: RequestTx, caller: Caller) -> models.Unread:
    """Your unread applications, counted by your role in them."""
    company = await company_of(tx, caller.user_id)
    as_applicant, as_employer = await queries.unread(tx, caller.user_id, company)
    return models.Unread(as_applicant=as_applicant, as_employer=as_employer)


@router.get("/applications/{id}", responses=refuses(NoSuchApplication, CompanyInactive))
async def read(id: UUID, tx: RequestTx, caller: Caller) -> Application:
    """One application. Marks it as read; after the employer's first view the applicant sees it as
    `viewed`. An API key that reads it changes nothing: no person has.
    """
    asker = await _asker(tx, caller)
    row = await _row(tx, id)
    party = _party(asker, row)
    if caller.company_id is None:
        if row.viewed_at is None and party == "employer":
            await commands.view(tx, id)
        await commands.see(tx, row, party)
    return await _answer(tx, asker, id)


@router.post(
    "/applications/{id}/stage",
    responses=refuses(NoSuchApplication, OtherSide, MoveNotAllowed, CompanyInactive),
)
async def move(id: UUID, body: models.StageMove, tx: RequestTx, caller: Caller) -> Application:
    """Move an application to another stage (employers only)."""
    asker = await _asker(tx, caller, writes=True)
    reason = body.reason or ("other" if body.stage == "discard_by_employer" else None)
    await commands.move(
        tx,
        asker,
        id,
        body.stage,
        comment=body.comment,
        shared=body.comment_shared,
        reason=reason,
    )
    return await _answer(tx, asker, id)


@router.post(
    "/applications/{id}/accept",
    responses=refuses(NoSuchApplication, OtherSide, MoveNotAllowed, VacancyNotOpen),
)
async def accept(
    id: UUID, tx: RequestTx, caller: Caller, body: models.Reply | None = None
) -> Application:
    """Accept an invitation. The company can then read your contacts."""
    return await _reply(tx, caller, id, body, commands.accept)


@router.post(
    "/applications/{id}/withdraw",
    responses=refuses(NoSuchApplication, OtherSide, MoveNotAllowed),
)
async def withdraw(
    id: UUID, tx: RequestTx, caller: Caller, body: models.Reply | None = None
) -> Application:
    """Withdraw an application, or decline an invitation."""
    return await _reply(tx, caller, id, body, commands.withdraw)


@router.get("/applications/{id}/messages", responses=refuses(NoSuchApplication, CompanyInactive))
async def messages(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
) -> Page[Message]:
    """Messages of an application, newest first. Marks the application as read, unless an API key
    asks.
    """
    row = await _row(tx, id)
    party = _party(await _asker(tx, caller), row)
    if caller.company_id is None:
        await commands.see(tx, row, party)
    rows = await queries.messages_of(tx, id, limit=page.limit + 1, after=place_of_id(page.after))
    answers = [_message(row, caller, party) for row in rows]
    return page_of(answers, page, request, response, Message, cursor=lambda one: (one.id,))


@router.post(
    "/applications/{id}/messages",
    status_code=201,
    responses=refuses(
        NoSuchApplication,
        MoveNotAllowed,
        VacancyNotOpen,
        TooManyMessages,
        CompanyInactive,
    ),
)
async def write(
    id: UUID,
    body: models.NewMessage,
    tx: RequestTx,
    caller: VerifiedCaller,
    once: Once,
    request: Request,
) -> Message:
    """Send a message to the other side of an open application."""
    most = _settings(request).messages_per_day

    async def make() -> Message:
        asker = await _asker(tx, caller, writes=True)
        written = await commands.write(tx, asker, id, body.text, most)
        row = await queries.message(tx, written)
        return _message(row, caller, row.side)

    return await once(Message, make)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _reply(
    tx: Tx,
    caller: Principal,
    id: UUID,
    body: models.Reply | None,
    command: Callable[..., Awaitable[None]],
) -> Application:
    asker = await _asker(tx, caller)
    await command(tx, asker, id, comment=body.comment if body else None)
    return await _answer(tx, asker, id)


async def _asker(tx: Tx, caller: Principal, *, writes: bool = False) -> Asker:
    company = await acting_company(tx, caller, writes=writes)
    return Asker(caller.user_id, company, caller.key_name)


async def _row(tx: Tx, id: UUID) -> Row[Any]:
    row = await queries.application_of(tx, id)
    if row is None:
        raise NoSuchApplication
    return row


def _party(asker: Asker, row: Row[Any]) -> Party:
    party = asker.party(row.user_id, row.company_id)
    if party is None:
        raise NoSuchApplication
    return party


async def _answer(tx: Tx, asker: Asker, id: UUID) -> Application:
    row = await _row(tx, id)
    party = _party(asker, row)
    moves = await queries.moves_of(tx, [id])
    return presented(row, moves[id], party)


def _message(row: Row[Any], caller: Principal, party: Party) -> Message:
    api_key = row.api_key if row.side == party else None
    derived = {"mine": row.user_id == caller.user_id, "api_key": api_key}
    return Message.model_validate(dict(row._mapping) | derived)
