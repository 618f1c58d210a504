"""The step after a password or a provider that asks for a code of the app."""

from fastapi import Response

from hirewire.web.api.answers import Answer
from hirewire.web.api.models.auth import Tokens
from hirewire.web.pages.rendering import Form, render
from hirewire.web.sessions import Visitor


def ticket_in(answer: Answer[Tokens]) -> str | None:
    """The ticket of a sign-in that a code completes; None for any other answer."""
    if answer.is_good or answer.problem.code != "second_factor_needed":
        return None
    ticket = answer.refusal.get("ticket")
    return ticket if isinstance(ticket, str) else None


def second_step_page(who: Visitor, form: Form, ticket: str, to: str, status: int = 401) -> Response:
    """The form for the code; `to` is the page after it."""
    return render(who, "second_step.html", status, form=form, ticket=ticket, to=to)
