"""Pages where employers verify their company, and operators companies by hand."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.employer import company_page
from hirewire.web.pages.rendering import Form, Member, back_to, go, render, typed
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
SHOWN = 30


@router.post("/employer/company/verification")
async def send_code(who: Member, request: Request) -> Response:
    """Send a code to an address at the company's domain."""
    given = await typed(request)
    answer = await who.vacancies.send_company_code(given.get("address", ""))
    if answer.is_good:
        return go(who, "/employer/company#verified", done="company_code_sent")
    form = Form({"address": given.get("address")})
    form.refuse(answer)
    return await company_page(who, code_form=form, status=answer.status)


@router.post("/employer/company/verification/code")
async def confirm(who: Member, request: Request) -> Response:
    """Verify the company with the code."""
    given = await typed(request)
    answer = await who.vacancies.confirm_company(given.get("code", ""))
    if answer.is_good:
        return go(who, "/employer/company#verified", done="company_verified")
    form = Form({"code": given.get("code")})
    form.refuse(answer)
    return await company_page(who, code_form=form, status=answer.status)


@router.get("/admin/companies")
async def companies(who: Member) -> Response:
    """Companies, for operators."""
    q = who.request.query_params.get("q", "").strip()[:200]
    after = who.request.query_params.get("after") or None
    answer = await who.reports.companies(q, SHOWN, after)
    if answer.status == 422:
        return go(who, "/admin/companies")
    return render(who, "admin_companies.html", found=answer.data, q=q)


@router.get("/admin/companies/{id}")
async def company(id: UUID, who: Member) -> Response:
    """A company, and what an operator can do about it."""
    return await _page(who, id, Form())


@router.post("/admin/companies/{id}/{act}")
async def act(
    id: UUID, act: Literal["verify", "unverify"], who: Member, request: Request
) -> Response:
    """Verify a company, or end that."""
    given = await typed(request)
    answer = await who.reports.set_verified(id, act, given.get("why", ""))
    if answer.is_good:
        return back_to(who, f"/admin/companies/{id}", "decided")
    form = Form(given)
    form.refuse(answer)
    return await _page(who, id, form, answer.status)


async def _page(who: Visitor, id: UUID, form: Form, status: int = 200) -> Response:
    found = await who.reports.company(id)
    return render(who, "admin_company.html", status, one=found.data, form=form)
