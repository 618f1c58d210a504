"""Pages behind the links of mails."""

from fastapi import Response

from hirewire.web.pages.rendering import Form, render
from hirewire.web.sessions import Visitor


def token_of(who: Visitor) -> str:
    """The token of the link. Only the query has it: queries stand in no log."""
    return who.request.query_params.get("token", "")


def page_of(who: Visitor, template: str, form: Form, status: int = 200) -> Response:
    """The page of a link, whose address no other site and no search engine may learn."""
    page = render(who, template, status, form=form, token=token_of(who))
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page
