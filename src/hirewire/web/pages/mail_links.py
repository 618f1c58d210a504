"""Pages behind the links of mails."""

from collections.abc import Awaitable

from fastapi import Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer
from hirewire.web.pages.rendering import Form, render
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor


def token_of(who: Visitor) -> str:
    """The token of the link. Only the query has it: queries stand in no log."""
    return who.request.query_params.get("token", "")


def page_of(
    who: Visitor, template: str, form: Form, status: int = 200, step: str = "", found: object = None
) -> Response:
    """The page of a link, whose address no other site and no search engine may learn."""
    page = render(who, template, status, form=form, token=token_of(who), step=step, found=found)
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page


async def refused(who: Visitor, template: str, act: Awaitable[Answer[None]]) -> Response | None:
    """Do what a link is for: None if it was done, or the page of the link with what was wrong."""
    form = Form()
    try:
        answer = await act
    except Unavailable:
        form.problem = Problem("sign_in_away", is_whole=True)
        return page_of(who, template, form, 503)
    if answer.is_good:
        return None
    form.refuse(answer)
    return page_of(who, template, form, answer.status)
