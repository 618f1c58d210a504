"""Pages of operators: people, and the log of operators' acts. For others they do not exist."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.http import encoded_cursor
from hirewire.web.api.answers import Answer
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.operators import Act
from hirewire.web.api.operators import OperatorsClient, PersonAct
from hirewire.web.pages.rendering import Form, Member, back_to, go, or_none, render, typed
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/admin", include_in_schema=False)
ROLES = ("applicant", "employer", "admin")
STATES = ("active", "blocked")
DONE: dict[PersonAct, str] = {
    "block": "person_blocked",
    "unblock": "person_unblocked",
    "end-sessions": "person_signed_out",
    "reset-link": "person_link_sent",
    "verify": "person_verified",
    "make-admin": "operator_made",
    "remove-admin": "operator_removed",
}
"""The confirmation of each act."""
PER_PAGE, OF_PERSON = 50, 20


def logs_of(who: Visitor) -> Sequence[OperatorsClient]:
    """The services whose operators' acts the log shows."""
    return (who.operators, who.reports, who.webhook_acts)


@router.get("")
async def people(who: Member, request: Request) -> Response:
    """People, those registered last first; by address or id, role and state."""
    given = request.query_params
    asked = {
        "q": given.get("q", "").strip()[:254] or None,
        "role": given["role"] if given.get("role") in ROLES else None,
        "state": given["state"] if given.get("state") in STATES else None,
    }
    after = given.get("after") or None
    answer = await who.operators.people({**asked, "after": after})
    if not answer.is_good and after:  # probably an outdated position in the list
        return go(who, "/admin")
    return render(who, "admin_people.html", people=answer.data, asked=asked)


@router.get("/log")
async def log(who: Member, request: Request) -> Response:
    """What operators have done, in all services, the last act first."""
    after = request.query_params.get("after") or None
    asked = [or_none(client.acts(PER_PAGE, after)) for client in logs_of(who)]
    answers = await asyncio.gather(*asked)
    if after and any(answer is not None and not answer.is_good for answer in answers):
        return go(who, "/admin/log")
    acts, following = merged(answers)
    return render(
        who,
        "admin_log.html",
        acts=acts,
        next=following,
        is_partial=None in answers,
        emails=await _addresses(who, acts),
    )


def merged(answers: Sequence[Answer[Items[Act]] | None]) -> tuple[list[Act], str | None]:
    """The acts of all services by time, as many as one page has, and the place of the next page.

    Places are the same in all services: a time and an id.
    """
    pages = [answer.data for answer in answers if answer is not None and answer.is_good]
    acts = sorted(
        (act for page in pages for act in page.items),
        key=lambda act: (act.at, act.id),
        reverse=True,
    )
    has_more = len(acts) > PER_PAGE or any(page.next for page in pages)
    shown = acts[:PER_PAGE]
    following = encoded_cursor((shown[-1].at, shown[-1].id)) if has_more and shown else None
    return shown, following


@router.get("/people/{id}")
async def person(id: UUID, who: Member) -> Response:
    """A person, what can be done, and what was done."""
    return await _person(who, id, Form())


@router.post("/people/{id}/{act}")
async def do(id: UUID, act: PersonAct, who: Member, request: Request) -> Response:
    """Do something to a person, for the reason in the form."""
    given = await typed(request)
    answer = await who.operators.do(id, act, given.get("why", ""))
    if answer.is_good:
        return back_to(who, f"/admin/people/{id}", DONE[act])
    form = Form({"why": given.get("why")})
    form.refuse(answer)
    return await _person(who, id, form, answer.status)


async def _person(who: Visitor, id: UUID, form: Form, status: int = 200) -> Response:
    found, mine = await asyncio.gather(who.operators.person(id), who.auth.me())
    asked = [or_none(client.acts(OF_PERSON, user=id)) for client in logs_of(who)]
    acts, _ = merged(await asyncio.gather(*asked))
    one = found.data
    emails = await _addresses(who, acts, *([one.blockedBy] if one.blockedBy else []))
    return render(
        who,
        "admin_person.html",
        status,
        person=one,
        is_self=mine.data.id == one.id,
        form=form,
        acts=acts,
        emails=emails,
    )


async def _addresses(who: Visitor, acts: Sequence[Act], *others: str) -> dict[str, str]:
    """The addresses of the people in these acts, by id."""
    operators = [act.operatorId for act in acts if act.operatorId]
    subjects = [act.subjectId for act in acts if act.subjectKind == "user"]
    return await who.operators.addresses([*operators, *subjects, *others])
