"""Event handlers of `notifications` for companies, vacancies and resumes."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeStated, ResumeUpdated
from hirewire.contracts.vacancies import (
    EmployerProfileCreated,
    EmployerStated,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyStated,
    VacancyUpdated,
)
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx
from hirewire.notifications.board import commands

HIGHEST_VERSION = 2**31 - 1


async def on_employer_profile_created(tx: Tx, received: Received[EmployerProfileCreated]) -> None:
    """Store the company that the user acts for, and its name."""
    event = received.event
    await commands.take_on(
        tx, event.user_id, event.company_id, event.company_name, late=received.late
    )


async def on_vacancy_published(
    tx: Tx, received: Received[VacancyPublished] | Received[VacancyUpdated]
) -> None:
    """Store an open vacancy's title."""
    await _store(tx, received.event, "published", received.event.title)


async def on_vacancy_paused(tx: Tx, received: Received[VacancyPaused]) -> None:
    """Store that a vacancy is paused."""
    await _store(tx, received.event, "paused")


async def on_vacancy_closed(tx: Tx, received: Received[VacancyClosed]) -> None:
    """Store that a vacancy is closed. Each open application has an event of its own, which notifies
    the applicant.
    """
    await _store(tx, received.event, "closed")


async def on_resume_updated(tx: Tx, received: Received[ResumeUpdated]) -> None:
    """Store the resume's title, and whether companies see it."""
    event, resume = received.event, received.event.resume
    if event.action == "deleted":
        await commands.delete_resume(tx, event.resume_id, event.user_id)
    elif resume is not None:
        await commands.store_resume(
            tx,
            event.resume_id,
            event.user_id,
            None if event.version is None else _version(event.version),
            resume.title,
            is_visible=resume.status == "published" and resume.visibility == "recommended",
            late=received.late,
        )


async def on_employer_stated(tx: Tx, received: Sequence[Received[EmployerStated]]) -> None:
    """Store employers who were there before this service."""
    await commands.take_on_all(
        tx,
        [
            (one.event.user_id, one.event.company_id, one.event.company_name, one.late)
            for one in received
        ],
    )


async def on_vacancy_stated(tx: Tx, received: Sequence[Received[VacancyStated]]) -> None:
    """Store vacancies that were there before this service."""
    rows = []
    for event in (one.event for one in received):
        status = "closed" if event.status == "archived" else event.status
        version = _version(event.version)
        rows.append((event.vacancy_id, event.company_id, version, status, event.title))
    await commands.store_vacancies(tx, rows)


async def on_resume_stated(tx: Tx, received: Sequence[Received[ResumeStated]]) -> None:
    """Store resumes that were there before this service."""
    rows = []
    for one in received:
        event = one.event
        is_visible = event.status == "published" and event.visibility == "recommended"
        version = _version(event.version)
        rows.append((event.resume_id, event.user_id, version, event.title, is_visible, one.late))
    await commands.store_resumes(tx, rows)


async def _store(
    tx: Tx,
    event: VacancyPublished | VacancyUpdated | VacancyPaused | VacancyClosed,
    status: str,
    title: str | None = None,
) -> None:
    version = _version(event.version)
    await commands.store_vacancy(tx, event.vacancy_id, event.company_id, version, status, title)


def _version(version: int) -> int:
    if not 0 <= version <= HIGHEST_VERSION:
        raise Reject(f"version: not from 0 to {HIGHEST_VERSION}")
    return version
