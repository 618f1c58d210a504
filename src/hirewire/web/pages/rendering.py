"""From a template to an answer."""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeGuard
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData

from hirewire import __version__
from hirewire.kit.errors import Unavailable
from hirewire.web.clients import Answer
from hirewire.web.labels import N_
from hirewire.web.sessions import THEMES, SignInFirst, Visitor, visitor
from hirewire.web.words import LANGUAGES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DONE = {
    "saved": N_("Saved."),
    "sent": N_("Sent."),
    "deleted": N_("Deleted."),
    "welcome": N_("Welcome!"),
    "hiring": N_("Company profile created."),
    "out": N_("You have signed out."),
    "limit": N_("Daily limit reached. Try again tomorrow."),
    "changed": N_("This action is no longer possible: something has changed in the meantime."),
}
"""What has been done, said on the page that follows."""
STATIC = Path(__file__).parent.parent / "static"
templates = Environment(
    loader=FileSystemLoader(STATIC.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)


async def _asking(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    if request.method == "GET" and not is_part(request) and "." not in request.url.path:
        await count_unread(who)  # the navigation of every page says it; files have none
    return who


async def count_unread(who: Visitor) -> None:
    """Count what is new for this person now; what was counted before stays where nobody can say."""
    with suppress(Unavailable):
        await who.count_unread()


Asking = Annotated[Visitor, Depends(_asking)]
"""Whoever asks for a page."""


def _signed_in(who: Asking) -> Visitor:
    if not who.is_signed_in:
        raise SignInFirst
    return who


Member = Annotated[Visitor, Depends(_signed_in)]
"""Whoever asks for a page that is for those who are signed in."""


class Form:
    """What was typed into a form, and what is wrong with it; kept until it is right."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values = dict(values or {})
        self.errors: dict[str, str] = {}
        self.problem = ""

    def refuse(self, answer: Answer) -> None:
        """Take over what a service says is wrong."""
        self.errors = answer.errors
        whole = self.errors.pop("#", None) or self.errors.pop("", None)
        self.problem = whole or answer.detail

    def value(self, name: str) -> Any:
        """What stands in a field."""
        found = self.values.get(name)
        return "" if found is None else found

    def error_in(self, name: str, row: int) -> str:
        """What is wrong with a line of a list."""
        start = f"{name}/{row}"
        return next(
            (why for at, why in self.errors.items() if at == start or at.startswith(f"{start}/")),
            "",
        )

    def error(self, *names: str) -> str:
        """What is wrong with a field, or with a part of it."""
        for path, detail in self.errors.items():
            if path in names or path.split("/")[0] in names:
                return detail
        return ""


@cache
def asset(name: str) -> str:
    """The address of a file of ours, which changes with its content, so that it can be kept."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def render(who: Visitor, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, in this person's language."""
    said = DONE.get(who.request.query_params.get("done", ""))
    found = templates.get_template(template).render(
        _=who.words.text,
        gettext=who.words.text,
        ngettext=who.words.plural,
        pgettext=who.words.in_context,
        w=who.words,
        who=who,
        done=who.words.text(said) if said else None,
        here=_here(who.request),
        languages=LANGUAGES,
        themes=THEMES,
        version=__version__,
        asset=asset,
        **values,
    )
    response = HTMLResponse(
        found,
        status,
        headers={
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "same-origin",
            "Content-Language": who.words.lang,
            "Vary": "Accept-Language, Cookie",
            "Cache-Control": "no-store",
            "Speculation-Rules": '"/ahead.json"',
        },
    )
    who.keep(response)
    return response


async def parts(who: Visitor, **asked: tuple[str, str]) -> dict[str, Any]:
    """What each service (name, path) says, all asked at once; None of one that is away."""

    async def one(service: str, path: str) -> Answer | None:
        try:
            return await who.call(service, "GET", path)
        except Unavailable:
            return None

    answers = await asyncio.gather(*(one(*where) for where in asked.values()))
    return dict(zip(asked, answers, strict=True))


def is_good(answer: Answer | None) -> TypeGuard[Answer]:
    """Whether a service is there, and has what was asked for."""
    return answer is not None and answer.is_good


def as_file(content: bytes, kind: str) -> Response:
    """A resume to keep: `pdf` or `json`."""
    headers = {
        "Content-Disposition": f'attachment; filename="resume.{kind}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=f"application/{kind}", headers=headers)


def go(who: Visitor, path: str, **query: str) -> Response:
    """To another page, which is then read anew."""
    response = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
    who.keep(response)
    return response


def said(answer: Answer) -> str:
    """What follows an action: that it is done, or that it cannot be done now, or any more."""
    if answer.status == 429:
        return "limit"
    return "saved" if answer.is_good else "changed"


def is_part(request: Request) -> bool:
    """Whether a script of the page asks for a part of it."""
    return request.headers.get("hx-request") == "true"


async def form_of(request: Request) -> FormData:
    """The fields of a form; files are not taken."""
    return await request.form(max_files=0)


async def file_of(request: Request, name: str) -> tuple[dict[str, str], tuple[bytes, str] | None]:
    """The fields of a form with one file: the texts, and the file's bytes and media type; None
    where no file was chosen.
    """
    form = await request.form(max_files=1)
    texts = {key: _text(value) for key, value in form.multi_items() if isinstance(value, str)}
    file = form.get(name)
    if file is None or isinstance(file, str) or not file.filename:
        return texts, None
    return texts, (await file.read(), file.content_type or "application/octet-stream")


async def typed(request: Request) -> dict[str, str]:
    """The fields of a form; of several with one name the last. A password stays as it was typed."""
    form = await form_of(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    request.state.typed = [pair for pair in pairs if pair[0] != "password"]
    return {name: value if name == "password" else _text(value) for name, value in pairs}


async def rows(request: Request, *names: str, written: int = 1) -> list[dict[str, str]]:
    """Fields that come several times each, as rows.

    Those are left out of which the first `written` fields, those one writes into, are empty.
    """
    form = await form_of(request)
    columns = [[v for v in form.getlist(name) if isinstance(v, str)] for name in names]
    return [
        dict(zip(names, (_text(cell) for cell in row), strict=True))
        for row in zip(*columns, strict=False)
        if any(cell.strip() for cell in row[:written])
    ]


def _text(value: str) -> str:
    """As it was typed: a browser sends line breaks as two characters."""
    return value.replace("\r\n", "\n").strip()


def local_path(path: str | None, otherwise: str) -> str:
    """A path of this site; anything that leads elsewhere is not followed."""
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path:
        return path
    return otherwise


def _here(request: Request) -> str:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "done"]
    return request.url.path + (f"?{urlencode(pairs)}" if pairs else "")
