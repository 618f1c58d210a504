"""Pages where readers report, operators decide, and owners answer."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Missing, SignInFirst
from hirewire.web.api.moderation import Moderation, Target
from hirewire.web.pages.public import vacancy as read_vacancy
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    away,
    go,
    local_path,
    or_none,
    render,
    said,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
REASONS = (
    *("fraud", "fees", "misleading", "discrimination", "offensive", "spam", "illegal", "other"),
)
ORDERS = ("newest", "most")
SHOWN = 20
NOT_SHOWN = 410


@router.get("/vacancies/{id}/report")
async def report_vacancy_form(id: UUID, who: Asking) -> Response:
    """The form that reports a job."""
    return await _report_page(who, "vacancy", id, Form())


@router.get("/companies/{id}/report")
async def report_company_form(id: UUID, who: Asking) -> Response:
    """The form that reports a company."""
    return await _report_page(who, "company", id, Form())


@router.post("/vacancies/{id}/report")
async def report_vacancy(id: UUID, who: Asking, request: Request) -> Response:
    """Report a job."""
    return await _report(who, request, "vacancy", id)


@router.post("/companies/{id}/report")
async def report_company(id: UUID, who: Asking, request: Request) -> Response:
    """Report a company."""
    return await _report(who, request, "company", id)


async def _report(who: Visitor, request: Request, target: Target, id: UUID) -> Response:
    given = await typed(request)
    body = {"reason": given.get("reason") or None, "text": given.get("text") or None}
    answer = await _sent(who, target, id, body)
    if answer.is_good:
        return go(who, _page_of(target, id), done="reported")
    if answer.status == NOT_SHOWN:
        return go(who, _page_of(target, id))
    form = Form(given)
    form.refuse(answer)
    return await _report_page(who, target, id, form, answer.status)


async def _sent(
    who: Visitor, target: Target, id: UUID, body: dict[str, str | None]
) -> Answer[None]:
    try:
        return await who.moderation.send_report(target, id, body)
    except SignInFirst:  # the session has ended, but everybody may report
        return await Moderation(who.services, address=who.address).send_report(target, id, body)


async def _report_page(
    who: Visitor, target: Target, id: UUID, form: Form, status: int = 200
) -> Response:
    try:
        name = await _name_of(who, target, id)
    except Unavailable:
        return away(who)
    page = render(
        who,
        "report.html",
        status,
        target=target,
        name=name,
        back=_page_of(target, id),
        reasons=REASONS,
        form=form,
    )
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page


async def _name_of(who: Visitor, target: Target, id: UUID) -> str:
    """The title or name of what is reported. Raises `Missing` if it is not shown."""
    if target == "company":
        return (await who.public.company(id)).data.name
    found = (await read_vacancy(who, id)).data
    if found.status in ("draft", "archived"):
        raise Missing
    return found.title


def _page_of(target: Target, id: UUID) -> str:
    return f"/vacancies/{id}" if target == "vacancy" else f"/companies/{id}"


@router.get("/admin/reports")
async def queue(who: Member) -> Response:
    """What waits for a decision, for operators."""
    asked = who.request.query_params
    sort = asked.get("sort") if asked.get("sort") in ORDERS else ORDERS[0]
    answer = await who.reports.reported(sort or ORDERS[0], SHOWN, asked.get("after") or None)
    if answer.status == 422:
        return go(who, "/admin/reports")
    return render(who, "admin_reports.html", found=answer.data, sort=sort)


@router.get("/admin/reports/{target}/{id}")
async def one(target: Target, id: UUID, who: Member) -> Response:
    """A job or a company, its reports, and what was decided."""
    return await _one_page(who, target, id, Form())


@router.post("/admin/reports/{target}/{id}")
async def decide(target: Target, id: UUID, who: Member, request: Request) -> Response:
    """Decide."""
    given = await typed(request)
    decision = given.get("decision", "")
    body = {"decision": decision, "text": given.get("text", "")}
    if decision == "take_down":
        body["reason"] = given.get("reason", "")
    answer = await who.reports.decide(target, id, body)
    if answer.is_good:
        return go(who, "/admin/reports", done="decided")
    form = Form(given)
    form.refuse(answer)
    return await _one_page(who, target, id, form, answer.status)


async def _one_page(
    who: Visitor, target: Target, id: UUID, form: Form, status: int = 200
) -> Response:
    reading = who.vacancies.vacancy(id) if target == "vacancy" else who.vacancies.company(id)
    answer, text = await asyncio.gather(who.reports.one(target, id), or_none(reading))
    return render(
        who,
        "admin_report.html",
        status,
        one=answer.data,
        shown=text.found if text else None,
        page=_page_of(target, id),
        reasons=REASONS,
        form=form,
    )


@router.post("/employer/decisions/{id}")
async def answer(id: UUID, who: Member, request: Request) -> Response:
    """Answer a decision about a job or the company."""
    given = await typed(request)
    back = local_path(given.get("next"), "/employer")
    reply = await who.moderation.answer(id, given.get("text", ""))
    done = "answered" if reply.is_good else "empty" if reply.status == 422 else said(reply)
    return go(who, f"{back}#decisions", done=done)
