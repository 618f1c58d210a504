"""Renders templates, reads forms and builds answers."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, TypeGuard, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import JsonValue
from starlette.datastructures import FormData

from hirewire import __version__
from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, SignInFirst
from hirewire.web.api.models.base import Model
from hirewire.web.i18n.labels import N_
from hirewire.web.i18n.words import LANGUAGES
from hirewire.web.pages.templates import rendered
from hirewire.web.pages.undo import Removed, Undo, undo_of
from hirewire.web.problems import Problem
from hirewire.web.sessions import THEMES, Visitor, visitor

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
DONE = {
    "saved": N_("Saved."),
    "sent": N_("Sent."),
    "deleted": N_("Deleted."),
    "alerts_on": N_("Saved. We will notify you of new jobs."),
    "alerts_off": N_("Alerts are off."),
    "welcome": N_("Welcome!"),
    "hiring": N_("Company profile created."),
    "out": N_("You have signed out."),
    "new_password": N_("Your password has been changed. Sign in with the new one."),
    "password_changed": N_("Password changed. You have been signed out on other devices."),
    "password_changed_tokens": N_(
        "Password changed, access tokens revoked. You have been signed out on other devices."
    ),
    "verified": N_("Your email address is confirmed."),
    "company_code_sent": N_("We have sent the code. Enter it here within 30 minutes."),
    "company_verified": N_("Your company is verified."),
    "reported": N_("Thank you. The operators of this site will look at your report."),
    "decided": N_("Decision saved."),
    "answered": N_("Answer sent."),
    "empty": N_("Write a text first."),
    "email_changed": N_("Your address has been changed."),
    "code_sent": N_("We have sent the code again. No mail? Check the spam folder."),
    "passkey_added": N_("Passkey added. You can sign in with it now."),
    "passkey_removed": N_("Passkey removed."),
    "two_step_on": N_("Two-step sign-in is on."),
    "two_step_off": N_("Two-step sign-in is off."),
    "session_ended": N_("Signed out on that device."),
    "others_ended": N_("Signed out on all other devices."),
    "export_asked": N_(
        "We are preparing a copy of your data, and will send you a mail when it is ready."
    ),
    "identity_connected": N_("Connected. You can sign in with it from now on."),
    "identity_disconnected": N_("Disconnected."),
    "last_way_in": N_("This is your only way to sign in. Set a password first."),
    "api_key_revoked": N_("API key revoked."),
    "token_revoked": N_("Access token revoked."),
    "person_blocked": N_("Blocked. A mail with the reason has been sent."),
    "person_unblocked": N_("Unblocked. A mail has been sent."),
    "person_signed_out": N_("Signed out on all devices."),
    "person_link_sent": N_("A link for a new password has been sent."),
    "person_verified": N_("The address is confirmed."),
    "operator_made": N_("This person is an operator now."),
    "operator_removed": N_("This person is not an operator any more."),
    "mails_again": N_("The next notifications will be sent by mail again."),
    "notices_read": N_("All notifications are marked as read."),
    "proposed": N_("Times proposed. The candidate chooses one of them."),
    "agreed": N_("The interview is scheduled."),
    "calendar_made": N_("Your calendar has an address now."),
    "calendar_ended": N_("The address of your calendar has been ended."),
    "webhook_on": N_("Switched on."),
    "webhook_off": N_("Switched off."),
    "webhook_pinged": N_("A test is on its way. Look at the deliveries in a moment."),
    "webhook_replayed": N_("It is sent again."),
    "push_on": N_("Notifications are on in this browser."),
    "push_off": N_("Notifications are off."),
    "push_failed": N_("Notifications could not be turned on in this browser. Please try again."),
    "moved": N_("Application moved."),
    "shortlisted": N_("Added to shortlist."),
    "seen": N_("Removed from shortlist."),
    "dismissed": N_("Candidate dismissed."),
    "undone": N_("Undone."),
    "kept": N_("Job saved."),
    "forgotten": N_("Job removed from saved."),
    "full": N_("You have reached the limit of saved jobs. Remove one first."),
    "limit": N_("Daily limit reached. Try again tomorrow."),
    "changed": N_("This action is no longer possible: something has changed in the meantime."),
}
"""Confirmations of completed actions, shown on the next page."""
PASSWORDS = ("password", "current")
"""Fields that are not trimmed, and not shown again."""
SECRETS = (*PASSWORDS, "code", "ticket", "credential", "secret", "otpauth")
"""Fields that are not shown again."""
T = TypeVar("T")


async def _asking(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    request.state.visitor = who
    if request.method == "GET" and not is_part(request) and "." not in request.url.path:
        # Every page shows the counts in its navigation; files do not.
        await asyncio.gather(count_unread(who), count_notices(who))
    return who


async def count_unread(who: Visitor) -> None:
    """Load the unread counts; the previous ones stay if the service is unavailable."""
    with suppress(Unavailable):
        await who.count_unread()


async def count_notices(who: Visitor) -> None:
    """Load the number of unread notices; the pages work without it."""
    with suppress(Unavailable):
        await who.count_notices()


async def saw(who: Visitor, **about: str) -> None:
    """Mark the notices about these things as read, since the visitor sees them now.

    A page that a browser fetches ahead has not been seen. The mark is left out if there is nothing
    to mark, or the service is unavailable.
    """
    is_ahead = who.request.headers.get("sec-purpose", "").startswith("prefetch")
    if is_ahead or who.access is None or who.new_notices == 0 or not who.notices.exist:
        return
    with suppress(Unavailable):
        answer = await who.notices.read_about(**about)
        if answer.is_good:
            who.new_notices = answer.data.count


Asking = Annotated[Visitor, Depends(_asking)]
"""The visitor of a page."""


def _signed_in(who: Asking) -> Visitor:
    if not who.is_signed_in:
        raise SignInFirst
    return who


Member = Annotated[Visitor, Depends(_signed_in)]
"""The visitor of a page that requires a signed-in user."""


class Form:
    """The values and errors of a form, kept until it is valid."""

    def __init__(self, *given: Model | Mapping[str, JsonValue]) -> None:
        """`given` are stored values, typed values and so on; later ones replace earlier ones."""
        self.values: dict[str, JsonValue] = {}
        for values in given:
            self.values.update(
                values.model_dump(mode="json") if isinstance(values, Model) else values
            )
        self.errors: dict[str, Problem] = {}
        self.problem: Problem | None = None

    def refuse(self, answer: Answer[object]) -> None:
        """Take the errors from the answer of a service."""
        self.errors = answer.errors
        whole = self.errors.pop("#", None) or self.errors.pop("", None)
        self.problem = whole or answer.problem

    def value(self, name: str) -> JsonValue:
        """The value of a field."""
        found = self.values.get(name)
        return "" if found is None else found

    def error_in(self, name: str, row: int) -> Problem | None:
        """The error in this row of a list; None if there is none."""
        start = f"{name}/{row}"
        return next(
            (why for at, why in self.errors.items() if at == start or at.startswith(f"{start}/")),
            None,
        )

    def errors_in(self, name: str) -> list[tuple[str, Problem]]:
        """The errors in a field, as pairs of a path inside it and a problem.

        The path is empty for the whole field.
        """
        return [
            (at.removeprefix(name).strip("/#"), why)
            for at, why in self.errors.items()
            if at == name or at.startswith(f"{name}/")
        ]

    def error(self, *names: str) -> Problem | None:
        """The first error of these fields or of a part of them; None if there is none."""
        for path, why in self.errors.items():
            if path in names or path.split("/")[0] in names:
                return why
        return None


def render(
    who: Visitor,
    template: str,
    status: int = 200,
    *,
    done: str = "",
    undo: Undo | Removed | None = None,
    **values: object,
) -> HTMLResponse:
    """Render a page in the visitor's language.

    `done` is a key of `DONE`: a completed action to confirm. `undo` reverses it. If they are not
    given, they are taken from the page's address.
    """
    query = who.request.query_params
    said = DONE.get(done or query.get("done", ""))
    values |= {
        "who": who,
        "done": who.words.text(said) if said else None,
        "undo": undo if done else undo_of(query.get("undo", "")),
        "here": _here(who.request),
        "languages": LANGUAGES,
        "themes": THEMES,
        "version": __version__,
    }
    response = HTMLResponse(
        rendered(who.words.lang, template, values),
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


def away(who: Visitor, typed: Sequence[tuple[str, str]] = ()) -> HTMLResponse:
    """The page for an unavailable service, with the input of a form."""
    page = render(who, "away.html", 503, typed=typed)
    page.headers["Retry-After"] = "5"
    return page


async def or_none(asking: Awaitable[T]) -> T | None:
    """The answer of a service; None if the service is unavailable."""
    try:
        return await asking
    except Unavailable:
        return None


def is_good(answer: Answer[T] | None) -> TypeGuard[Answer[T]]:
    """Whether the service is available and has not refused."""
    return answer is not None and answer.is_good


def as_file(content: bytes, kind: str) -> Response:
    """A resume as a download; `kind` is `pdf` or `json`."""
    headers = {
        "Content-Disposition": f'attachment; filename="resume.{kind}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=f"application/{kind}", headers=headers)


def go(who: Visitor, path: str, **query: str) -> Response:
    """Redirect to another page, which may have a query and a fragment already."""
    path, hash, at = path.partition("#")
    if query:
        path += ("&" if "?" in path else "?") + urlencode(query)
    response = RedirectResponse(path + hash + at, 303)
    who.keep(response)
    return response


def back_to(who: Visitor, path: str, done: str, undo: Undo | None = None) -> Response:
    """Redirect to a page of this site, with a confirmation; the path may have a query."""
    return go(who, path, done=done, **({"undo": str(undo)} if undo else {}))


def said(answer: Answer[object]) -> str:
    """The key of the confirmation after an action: done, not possible now, or not any more."""
    if answer.status == 429:
        return "limit"
    return "saved" if answer.is_good else "changed"


def is_part(request: Request) -> bool:
    """Whether a script of a page requests a part of the page."""
    return request.headers.get("hx-request") == "true"


async def form_of(request: Request) -> FormData:
    """The fields of a form without files."""
    return await request.form(max_files=0)


async def file_of(request: Request, name: str) -> tuple[dict[str, str], tuple[bytes, str] | None]:
    """The text fields of a form, and its file: bytes and media type, or None without a file."""
    form = await request.form(max_files=1)
    texts = {key: _text(value) for key, value in form.multi_items() if isinstance(value, str)}
    file = form.get(name)
    if file is None or isinstance(file, str) or not file.filename:
        return texts, None
    return texts, (await file.read(), file.content_type or "application/octet-stream")


async def typed(request: Request) -> dict[str, str]:
    """The text fields of a form; the last value of repeated ones. Passwords are not trimmed."""
    form = await form_of(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    request.state.typed = [pair for pair in pairs if pair[0] not in SECRETS]
    return {name: value if name in PASSWORDS else _text(value) for name, value in pairs}


async def rows(request: Request, *names: str, written: int = 1) -> list[dict[str, str]]:
    """Repeated fields of a form as rows.

    Rows whose first `written` fields are all empty are left out.
    """
    return list((await numbered_rows(request, *names, written=written)).values())


async def numbered_rows(
    request: Request, *names: str, written: int = 1
) -> dict[int, dict[str, str]]:
    """The same, by their numbers in the form."""
    form = await form_of(request)
    columns = [[v for v in form.getlist(name) if isinstance(v, str)] for name in names]
    return {
        n: dict(zip(names, (_text(cell) for cell in row), strict=True))
        for n, row in enumerate(zip(*columns, strict=False))
        if any(cell.strip() for cell in row[:written])
    }


def _text(value: str) -> str:
    """The text, trimmed, with a line feed for each line break: browsers send two characters."""
    return value.replace("\r\n", "\n").strip()


def local_path(path: str | None, otherwise: str) -> str:
    """The path if it is one of this site, otherwise `otherwise`."""
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path:
        return path
    return otherwise


def _here(request: Request) -> str:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in ("done", "undo")]
    return request.url.path + (f"?{urlencode(pairs)}" if pairs else "")
