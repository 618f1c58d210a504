"""The page on which visitors keep old data that would otherwise be deleted."""

import asyncio

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.rendering import Member, away, back_to, render, said, typed

router = APIRouter(prefix="/account/keep", include_in_schema=False)


@router.get("")
async def shown(who: Member) -> Response:
    """The resumes and applications that the visitor was asked about by mail."""
    try:
        resumes, applications = await asyncio.gather(
            who.profiles.old_resumes(), who.vacancies.old_applications()
        )
    except Unavailable:
        return away(who)
    return render(
        who, "keep.html", resumes=resumes.data.items, applications=applications.data.items
    )


@router.post("")
async def keep(who: Member, request: Request) -> Response:
    """Keep all of one kind."""
    given = await typed(request)
    of_resumes = given.get("what") == "resumes"
    answer = await (who.profiles.keep_old() if of_resumes else who.vacancies.keep_old())
    return back_to(who, "/account/keep", said(answer))
