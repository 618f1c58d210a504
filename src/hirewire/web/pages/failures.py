"""Error pages for people; programs get problem details."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from hirewire.kit import problems
from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Blocked, Missing, SignInFirst, StrongerFirst, VerifyFirst
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.rendering import away, is_part, render
from hirewire.web.sessions import ForeignForm, Visitor, as_known, sign_in_path, visitor

TITLES = {
    404: N_("Page not found"),
    403: N_("This form was sent from another site"),
    413: N_("This is too large"),
}
OTHERWISE = N_("Something went wrong")
FAILED = N_("The error has been logged. Nothing was changed.")
SMALLER = N_("Nothing was changed. Go back and choose a smaller file, or send less text.")


def install(app: FastAPI) -> None:
    """Install the error handlers."""
    for error, handler in _HANDLERS.items():
        app.add_exception_handler(error, handler)


async def _sign_in_first(request: Request, _: SignInFirst) -> Response:
    if is_part(request):
        return _trigger(401, "signed-out")
    typed = getattr(request.state, "typed", [])
    one = await visitor(request)
    one.leave()
    response: Response = RedirectResponse(sign_in_path(request), 303)
    if typed:
        response = render(one, "again.html", 401, typed=typed)
    one.keep(response)
    return response


async def _blocked(request: Request, _: Blocked) -> Response:
    if is_part(request):
        return Response(status_code=403, headers={"HX-Refresh": "true"})
    one = as_known(request)
    if await _is_let_in(one):
        return away(one, getattr(request.state, "typed", []))
    one.leave()
    return render(one, "blocked.html", 403)


async def _stronger_first(request: Request, _: StrongerFirst) -> Response:
    return render(await visitor(request), "stronger.html", 403)


async def _verify_first(request: Request, _: VerifyFirst) -> Response:
    if is_part(request):
        return Response(status_code=403, headers={"HX-Redirect": "/email/code"})
    return render(await visitor(request), "verify_first.html", 403)


async def _missing(request: Request, error: Missing) -> Response:
    one: Visitor = request.state.visitor  # set for every page
    return render(one, "missing.html", error.status)


async def _foreign_form(request: Request, _: ForeignForm) -> Response:
    return await as_page(request, problems.problem(403, "foreign-form", TITLES[403]))


async def _unavailable(request: Request, error: Unavailable) -> Response:
    if request.url.path == "/live":
        return await problems.business(request, error)
    if is_part(request):
        return _trigger(503, "away")
    typed = getattr(request.state, "typed", [])
    if request.method == "GET" and time.monotonic() < request.app.state.starting_until:
        states = await request.app.state.services.states()
        page = render(as_known(request), "starting.html", 503, states=states)
        page.headers["Retry-After"] = "2"
        return page
    return away(await visitor(request), typed)


async def _not_served(request: Request, error: HTTPException) -> Response:
    """Lead to the page above an address that only accepts forms."""
    if error.status_code == 405 and request.method == "GET" and _wants_page(request):
        return RedirectResponse(_page_above(request), 303)
    return await as_page(request, await problems.http(request, error))


async def _no_such_address(request: Request, error: RequestValidationError) -> Response:
    """The same; a page is not found at any other invalid address."""
    answer: Response = await problems.validation(request, error)
    if request.method == "GET" and _wants_page(request) and _takes_form(request):
        return RedirectResponse(_page_above(request), 303)
    if _wants_page(request):  # the address is invalid, since no page sends such a body
        answer.status_code = 404
    return await as_page(request, answer)


_HANDLERS: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    SignInFirst: _sign_in_first,
    Blocked: _blocked,
    StrongerFirst: _stronger_first,
    VerifyFirst: _verify_first,
    Missing: _missing,
    ForeignForm: _foreign_form,
    Unavailable: _unavailable,
    HTTPException: _not_served,
    RequestValidationError: _no_such_address,
}


async def _is_let_in(one: Visitor) -> bool:
    """Whether `auth` does not refuse the visitor: then another service has yet to learn that they
    were unblocked, and must not end their session.
    """
    try:
        return (await one.auth.me()).is_good
    except SignInFirst:
        return False
    except Unavailable:
        return True


async def as_page(request: Request, problem: Response) -> Response:
    """Render a problem as a page if the client accepts HTML."""
    if is_part(request):
        return _trigger(problem.status_code, "away")
    if not _wants_page(request):
        return problem
    status = problem.status_code
    page = render(
        as_known(request),
        "missing.html" if status == 404 else "wrong.html",
        status,
        title=TITLES.get(status, OTHERWISE),
        said=FAILED if status >= 500 else SMALLER if status == 413 else "",
    )
    for name in ("allow", "retry-after"):
        if value := problem.headers.get(name):
            page.headers[name] = value
    return page


def _takes_form(request: Request) -> bool:
    """Whether a form may be sent here: `/resumes/read` stands beside `/resumes/{id}`."""
    scope = {"type": "http", "method": "POST", "path": request.url.path, "headers": []}
    return any(
        route.matches(scope)[0] is Match.FULL and "{" not in getattr(route, "path", "{")
        for route in request.app.router.routes
    )


def _page_above(request: Request) -> str:
    """The closest page for an address that only accepts forms.

    Without scripts the answer to a form is shown at the address of the form. Reloading the page, or
    choosing another language there, requests that address.
    """
    path = request.url.path
    while path := path.rpartition("/")[0]:
        scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            return path
    return "/"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _trigger(status: int, event: str) -> Response:
    """An answer to a script of an open page: it replaces nothing, and triggers this event."""
    headers = {"HX-Reswap": "none", "HX-Trigger": event, "Cache-Control": "no-store"}
    return Response(status_code=status, headers=headers)
