"""Pages of applications for both sides, and the application form."""

import asyncio
from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Answer, Missing, SignInFirst
from hirewire.web.api.models.applications import Application
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.profiles import Resume, WholeResume
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    count_unread,
    go,
    is_good,
    is_part,
    or_none,
    render,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)


class Own(TypedDict):
    """The visitor's own resumes and applications; None for what is unavailable."""

    resumes: Answer[Items[Resume]] | None
    applied: Answer[Items[Application]] | None


@router.post("/vacancies/{id}/apply")
async def apply(id: UUID, who: Asking, request: Request) -> Response:
    """Apply for a vacancy."""
    given = await typed(request)
    answer = await who.applications.apply(
        id, given.get("resumeId", ""), given.get("letter") or None
    )
    if answer.is_good:
        return go(who, f"/applications/{answer.data.id}", done="sent")
    if answer.status == 409 and "applicationId" in answer.problem:  # submitted twice
        return go(who, f"/applications/{answer.problem['applicationId']}")
    form = Form(given)
    form.refuse(answer)
    vacancy = (await who.vacancies.vacancy(id)).data
    mine = await own(who, id)
    return render(who, "apply.html", answer.status, form=form, vacancy=vacancy, **mine)


async def own(who: Visitor, vacancy: UUID) -> Own:
    """The user's resumes and their applications to this vacancy."""
    if not who.is_signed_in:
        return {"resumes": None, "applied": None}
    try:
        resumes, applied = await asyncio.gather(
            or_none(who.profiles.resumes()), or_none(who.applications.sent(20, vacancy=vacancy))
        )
    except SignInFirst:
        return {"resumes": None, "applied": None}
    return {"resumes": resumes, "applied": applied}


async def names_of(who: Visitor, listed: Sequence[Application]) -> dict[str, str]:
    """Names by resume where contacts are open; none if the service is unavailable."""
    ids = {one.resumeId for one in listed if one.acceptedAt}
    if not ids:
        return {}
    answer = await or_none(who.profiles.candidate_names(sorted(ids)))
    found = answer.data.items if is_good(answer) else ()
    return {one.resumeId: one.fullName for one in found}


async def scores_of(
    who: Visitor, vacancy: UUID | str, listed: Sequence[Application]
) -> dict[str, float]:
    """Scores by resume of applications that were not recommended; none if the service is
    unavailable.
    """
    lacking = [one.resumeId for one in listed if one.open and one.acceptedAt and one.score is None]
    if not lacking:
        return {}
    answer = await or_none(who.vacancies.scores(vacancy, lacking))
    found = answer.data.items if is_good(answer) else ()
    return {one.resumeId: one.score for one in found}


def scored(one: Application, scores: dict[str, float]) -> Application:
    """The application with its score, if it lacked one and `scores` has it."""
    if one.score is not None or one.resumeId not in scores:
        return one
    return one.model_copy(update={"score": scores[one.resumeId]})


@router.get("/applications/{id}")
async def application(id: UUID, who: Member) -> Response:
    """An application, for either side."""
    found = (await who.applications.application(id)).data
    messages = (await who.applications.messages(id)).data
    person = None
    if found.side == "employer":
        found = scored(found, await scores_of(who, found.vacancyId, [found]))
        person = await _person(who, found)
    template = "parts/application.html"
    if not is_part(who.request):
        template = "application.html"
        await count_unread(who)  # this application has now been read
    return render(
        who,
        template,
        one=await named(who, found),
        messages=messages.items,
        person=await named(who, person),
        form=Form(),
    )


async def _person(who: Visitor, one: Application) -> WholeResume | None:
    """The applicant; None if contacts are closed or the service is unavailable."""
    if not one.acceptedAt:
        return None
    card = await or_none(who.profiles.candidate(one.resumeId))
    return card.data if is_good(card) else None


@router.get("/applications/{id}/resume.pdf")
async def applied_with(id: UUID, who: Member) -> Response:
    """The resume used in an application, for printing."""
    found = (await who.applications.application(id)).data
    if found.side != "employer":
        raise Missing
    return as_file((await who.profiles.candidate_pdf(found.resumeId)).data, "pdf")


@router.post("/applications/{id}/{action}")
async def answer_application(id: UUID, action: str, who: Asking, request: Request) -> Response:
    """Write, accept or withdraw; or, as the employer, move the application."""
    given = await typed(request)
    stage: dict[str, JsonValue] = {"stage": given.get("stage", "")}
    if given.get("reason"):
        stage["reason"] = given["reason"]
    if given.get("comment"):
        stage |= {"comment": given["comment"], "commentShared": True}
    bodies: dict[str, dict[str, JsonValue]] = {
        "messages": {"text": given.get("text", "")},
        "accept": {},
        "withdraw": {"comment": given.get("comment") or None},
        "stage": stage,
    }
    body = bodies.get(action)
    if body is None:
        raise Missing
    answer = await who.applications.act(id, action, body)
    if answer.is_good:
        back = given.get("back", "")
        path = back if back.startswith("/employer/") else f"/applications/{id}"
        return go(who, path, done="saved")
    form = Form(given)
    form.refuse(answer)
    found = (await who.applications.application(id)).data
    messages = (await who.applications.messages(id)).data
    return render(
        who,
        "application.html",
        answer.status,
        one=found,
        messages=messages.items,
        person=None,
        form=form,
    )
