"""Routes for reports by readers, for operators' decisions, and for the owners' answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.kit import audit_log
from hirewire.kit.audit_log import OperatorAct
from hirewire.kit.errors import NotAnOperator, NotFound
from hirewire.kit.http import (
    Caller,
    MaybeCaller,
    OperatorCaller,
    Page,
    PageParams,
    RequestTx,
    bad_cursor,
    page_of,
    place_in_time,
)
from hirewire.kit.networks import network
from hirewire.kit.openapi import refuses
from hirewire.kit.secrets import marks
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import NotAnEmployer, require_company, require_operator
from hirewire.vacancies.errors import NoSuchVacancy, NotShown
from hirewire.vacancies.moderation import commands, models, presenters, queries
from hirewire.vacancies.moderation.rules import Target

router = APIRouter(prefix="/api/vacancies", tags=["moderation"])
PURPOSE = "network of a report"


class NothingDecided(NotFound):
    """Nothing was reported or decided about this vacancy or company."""

    code = "nothing_reported"


@router.post(
    "/vacancies/{id}/reports",
    status_code=204,
    responses=refuses(NoSuchVacancy, NotShown, commands.TooManyReports),
)
async def report_vacancy(
    id: UUID, body: models.NewReport, tx: RequestTx, caller: MaybeCaller, request: Request
) -> None:
    """Report a vacancy to the operators. Its employer does not learn who reported it."""
    await _report(tx, caller, request, "vacancy", id, body)


@router.post(
    "/companies/{id}/reports",
    status_code=204,
    responses=refuses(commands.NoSuchTarget, NotShown, commands.TooManyReports),
)
async def report_company(
    id: UUID, body: models.NewReport, tx: RequestTx, caller: MaybeCaller, request: Request
) -> None:
    """Report a company to the operators. It does not learn who reported it."""
    await _report(tx, caller, request, "company", id, body)


async def _report(
    tx: Tx,
    caller: Principal | None,
    request: Request,
    target: Target,
    id: UUID,
    body: models.NewReport,
) -> None:
    address = request.client.host if request.client else ""
    mark = marks(network(address), PURPOSE)[0]
    reader = commands.Reader(caller.user_id if caller else None, mark)
    await commands.report_it(tx, reader, target, id, body.reason, body.text)


@router.get("/admin/reported", responses=refuses(NotAnOperator))
async def reported(
    tx: RequestTx,
    caller: OperatorCaller,
    page: PageParams,
    request: Request,
    response: Response,
    sort: Annotated[queries.Order, Query()] = "newest",
) -> Page[models.Reported]:
    """For operators: vacancies and companies that wait for a decision.

    They were reported, or their owner has answered. The latest first, or the most often reported.
    """
    await require_operator(tx, caller.user_id)
    rows = await queries.waiting(tx, sort, limit=page.limit + 1, after=_place(page.after))
    reasons = await queries.reasons_of(tx, [row.target_id for row in rows])
    items = [presenters.reported(row, reasons[row.target_id]) for row in rows]
    return page_of(
        items,
        page,
        request,
        response,
        models.Reported,
        cursor=lambda one: (one.reports, one.at, one.target_id),
    )


@router.get("/admin/reported/count", responses=refuses(NotAnOperator))
async def waiting(tx: RequestTx, caller: OperatorCaller) -> models.Waiting:
    """For operators: how much waits for a decision."""
    await require_operator(tx, caller.user_id)
    return models.Waiting(waiting=await queries.waiting_count(tx))


@router.get("/admin/reported/{target}/{id}", responses=refuses(NotAnOperator, NothingDecided))
async def one_reported(
    target: Target, id: UUID, tx: RequestTx, caller: OperatorCaller
) -> models.OneReported:
    """For operators: a vacancy or a company, its reports, and what was decided about it."""
    await require_operator(tx, caller.user_id)
    return await _one(tx, target, id)


@router.post(
    "/admin/reported/{target}/{id}/decisions",
    status_code=201,
    responses=refuses(
        *(NotAnOperator, NoSuchVacancy, commands.NoSuchTarget, commands.DecisionNotPossible),
    ),
)
async def decide(
    target: Target, id: UUID, body: models.NewDecision, tx: RequestTx, caller: OperatorCaller
) -> models.OneReported:
    """For operators: decide about a vacancy or a company, reported or not.

    `take_down` and `restore` take effect at once. The owner reads the reason and the text, and can
    answer once. `dismiss` and `uphold` change nothing for readers.
    """
    await require_operator(tx, caller.user_id)
    await commands.decide(
        tx, caller.user_id, target, id, body.decision, reason=body.reason, text=body.text
    )
    return await _one(tx, target, id)


@router.get("/decisions", responses=refuses(NotAnEmployer, NoSuchVacancy))
async def decisions(tx: RequestTx, caller: Caller, vacancy: UUID | None = None) -> models.Decisions:
    """What operators decided about your vacancy; without one, about your company."""
    company = await require_company(tx, caller.user_id)
    target = vacancy or company
    if not await queries.own_company(tx, target, company):
        raise NoSuchVacancy
    return presenters.for_owner(await queries.decisions_of(tx, target))


@router.post(
    "/decisions/{id}/answer",
    responses=refuses(NotAnEmployer, commands.NoSuchDecision, commands.AnsweredAlready),
)
async def answer(
    id: UUID, body: models.NewAnswer, tx: RequestTx, caller: Caller
) -> models.Decisions:
    """Answer a decision about your vacancy or company, once. Operators read it."""
    company = await require_company(tx, caller.user_id)
    target = await commands.answer(tx, company, id, body.text)
    return presenters.for_owner(await queries.decisions_of(tx, target))


@router.get("/admin/audit", responses=refuses(NotAnOperator))
async def audit(
    tx: RequestTx,
    caller: OperatorCaller,
    page: PageParams,
    request: Request,
    response: Response,
    user: UUID | None = None,
) -> Page[OperatorAct]:
    """For operators: what they have done in this service, the last act first."""
    await require_operator(tx, caller.user_id)
    return await audit_log.answer(tx, page, request, response, user)


async def _one(tx: Tx, target: Target, id: UUID) -> models.OneReported:
    row = await queries.one(tx, target, id)
    if row is None:
        raise NothingDecided
    reasons = await queries.reasons_of(tx, [id])
    return presenters.one_reported(
        row,
        reasons[id],
        await queries.reports_of(tx, id),
        await queries.decisions_of(tx, id),
    )


def _place(after: tuple[str, ...] | None) -> queries.Place | None:
    if after is None:
        return None
    try:
        count = int(after[0])
        place = place_in_time(after[1:])
    except ValueError:
        raise bad_cursor() from None
    if place is None or not 0 <= count < 2**31:
        raise bad_cursor()
    return count, *place
