"""Event handlers of `vacancies` that update matches."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.contracts.vacancies import (
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
from hirewire.kit.turns import in_turns
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import offer_of

HIGHEST_VERSION = 2**31 - 1


async def on_resume_updated(tx: Tx, received: Sequence[Received[ResumeUpdated]]) -> None:
    """Compare the newest version of a resume with all open vacancies; ignore older versions."""
    # The handler of `activity` dead-letters an impossible version; once is enough.
    received = [one for one in received if 0 <= (one.event.version or 0) <= HIGHEST_VERSION]
    known = await commands.known_resumes(tx, {one.event.resume_id for one in received})
    newest: dict[UUID, Received[ResumeUpdated]] = {}
    for one in received:
        version, deleted = known.get(one.event.resume_id, (None, False))
        if deleted or (one.event.action != "deleted" and _old(one, version)):
            continue
        if one.event.action == "deleted" or one.event.resume is not None:
            known[one.event.resume_id] = (one.event.version, one.event.action == "deleted")
            newest[one.event.resume_id] = one
    resumes = {id: _resume(one.event) async for id, one in in_turns(newest.items())}
    await commands.compare_resumes(tx, resumes, newest)


def _old(one: Received[ResumeUpdated], known: int | None) -> bool:
    if one.late:
        return True
    return known is not None and (one.event.version is None or one.event.version <= known)


def _resume(event: ResumeUpdated) -> Resume:
    if event.action == "deleted" or event.resume is None:
        return Resume(event.user_id, event.version, None, deleted=True)
    snapshot = event.resume
    seen = snapshot.visibility == "recommended" and snapshot.status == "published"
    offer = offer_of(snapshot.model_dump(mode="json", by_alias=True)) if seen else None
    return Resume(event.user_id, event.version, offer)


async def on_vacancy_changed(
    tx: Tx,
    received: Sequence[
        Received[VacancyPublished]
        | Received[VacancyUpdated]
        | Received[VacancyPaused]
        | Received[VacancyClosed]
    ],
) -> None:
    """Compare the current vacancy with all visible resumes; if it is not open, none matches."""
    causes: dict[UUID, Received[Any]] = {one.event.vacancy_id: one for one in received}
    await commands.compare_vacancies(tx, causes, causes)
