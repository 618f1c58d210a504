"""Applications as each side sees them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from hirewire.vacancies.applications import models, rules
from hirewire.vacancies.applications.models import Application
from hirewire.vacancies.parties import Party


def presented(row: Row[Any], moves: Sequence[Row[Any]], party: Party) -> Application:
    """The application with its history, as this side may see it."""
    at = rules.progress_of(row)
    history = rules.history(row, moves, party)
    shown = rules.resume_shown(at, party, bool(row.resume_visible))
    resume = _resume(row, shown)
    derived: dict[str, object] = {
        "side": party,
        "resume": resume,
        "resume_title": resume.title if resume else None,
        "stage": row.stage if party == "employer" else None,
        "applicant_state": rules.applicant_state(at),
        "open": at.is_open,
        "reason": row.closed_reason,
        "contacts_open": at.contacts_open,
        # Once the stored copy is shown, the score of the current resume would not describe it.
        "score": row.score if party == "employer" and shown == "as_it_is" else None,
        "unread": rules.unread(row, party),
        # The time of an update that the applicant may not see must not be visible either.
        "updated_at": row.updated_at if party == "employer" else history[-1].at,
        "allowed_actions": rules.allowed_actions(at, party),
        "allowed_stages": rules.allowed_stages(at, party),
        "history": history,
    }
    return Application.model_validate(dict(row._mapping) | derived)


def _resume(row: Row[Any], shown: rules.ShownResume) -> models.AnonymousResume | None:
    if shown is None or row.resume_state is None or rules.is_gone(row.resume_state, row.snapshot):
        return None
    found = rules.kept(row.snapshot) if shown == "as_it_is" else row.kept_resume
    return None if found is None else models.AnonymousResume.model_validate(found)
