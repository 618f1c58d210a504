"""Commands that submit, invite, answer and move. Each move adds a history row and an event."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    func,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.kit.clock import now, today
from hirewire.kit.db import lock
from hirewire.kit.errors import FieldError, Invalid
from hirewire.kit.quotas import seconds_to_wait
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.vacancies import interview_ends as interviews
from hirewire.vacancies.applications import locking, queries, recording, rules
from hirewire.vacancies.applications.errors import (
    AlreadyApplied,
    MoveNotAllowed,
    OwnVacancy,
    ResumeIsDraft,
    TooManyInvitations,
    TooManyMessages,
    VacancyNotOpen,
)
from hirewire.vacancies.applications.rules import Origin, Stage
from hirewire.vacancies.authority import company_of
from hirewire.vacancies.errors import NoSuchApplication, NoSuchResume, NoSuchVacancy
from hirewire.vacancies.parties import Asker, Party
from hirewire.vacancies.tables import (
    application,
    application_message,
    recommendation,
)

DAY = timedelta(days=1)


async def submit(
    tx: Tx, user_id: UUID, vacancy_id: UUID, resume_id: UUID, letter: str | None
) -> UUID:
    """Submit an application and return its id. Records `ApplicationSubmitted`.

    Raises `NoSuchVacancy`, `VacancyNotOpen`, `NoSuchResume`, `ResumeIsDraft`, `OwnVacancy`,
    `AlreadyApplied`, and `Invalid` if the vacancy requires a letter and there is none.
    """
    vacancy_row = await locking.vacancy_of(tx, vacancy_id)
    if vacancy_row is None or vacancy_row.published_at is None:
        raise NoSuchVacancy
    _require_open(vacancy_row)
    known = await locking.resume_of(tx, resume_id)
    if known is None or known.user_id != user_id or rules.is_gone(known.state, known.snapshot):
        raise NoSuchResume
    if rules.is_draft(known.snapshot):
        missing = rules.missing(known.snapshot)
        raise ResumeIsDraft(
            errors=[
                FieldError(
                    "#/resumeId", f"the resume needs {name}", "resume_lacks", {"field": name}
                )
                for name in missing
            ],
            extra={"missing": missing},
        )
    if vacancy_row.response_letter_required and letter is None:
        raise Invalid(
            errors=[FieldError("#/letter", "required for this vacancy", "letter_required")]
        )
    id, row = await _enter(tx, vacancy_row, known, "response", letter)
    recording.submission(tx, row)
    await recording.move(tx, row, None, side="applicant", by=Asker(user_id, None))
    return id


async def invite(
    tx: Tx, asker: Asker, vacancy_id: UUID, resume_id: UUID, message: str | None, most: int
) -> UUID:
    """Invite the owner of a resume and return the application's id. A company invites `most` a day.

    Raises `NoSuchVacancy`, `VacancyNotOpen`, `NoSuchResume`, `OwnVacancy`, `AlreadyApplied`,
    `TooManyInvitations`.
    """
    vacancy_row = await locking.vacancy_of(tx, vacancy_id)
    if vacancy_row is None or vacancy_row.company_id != asker.company_id:
        raise NoSuchVacancy
    _require_open(vacancy_row)
    known = await locking.resume_of(tx, resume_id)
    if known is None or known.state != "visible" or _is_hidden(known, vacancy_row.company_id):
        raise NoSuchResume
    await _require_invitations_left(tx, vacancy_row.company_id, most)
    id, row = await _enter(tx, vacancy_row, known, "invitation", None)
    await recording.move(tx, row, None, side="employer", by=asker)
    if message is not None:
        await recording.message(tx, row, "employer", asker, message)
    table = recommendation.c
    await tx.execute(
        update(recommendation)
        .where(table.vacancy_id == vacancy_id, table.resume_id == resume_id)
        .values(state="invited", dismiss_reason=None, updated_at=row.created_at)
    )
    return id


def _is_hidden(known: Row[Any], company_id: UUID) -> bool:
    return str(company_id) in ((known.snapshot or {}).get("hiddenFrom") or ())


async def view(tx: Tx, id: UUID) -> None:
    """Record that the employer has opened an application; only the first view of an open one
    counts.
    """
    row = await locking.application_of(tx, id)
    if row.viewed_at is None and row.stage in rules.OPEN:
        await _set(tx, id, viewed_at=now())


async def see(tx: Tx, row: Row[Any], party: Party) -> None:
    """Mark the changes that `row` contains as seen by this side."""
    if not rules.unread(row, party):
        return
    seen = application.c[f"{party}_seen"]
    news = row._mapping[f"{party}_news"]
    await tx.execute(
        update(application)
        .where(application.c.id == row.id)
        .values({seen: func.greatest(seen, news)})
    )


async def move(
    tx: Tx,
    asker: Asker,
    id: UUID,
    stage: Stage,
    *,
    comment: str | None = None,
    shared: bool = False,
    reason: str | None = None,
) -> None:
    """Move an application as the employer. Raises `NoSuchApplication`, `OtherSide`,
    `MoveNotAllowed`.
    """
    before = await locking.application_for(tx, asker, id, "employer")
    allowed = rules.allowed_stages(rules.progress_of(before), "employer")
    if stage not in allowed:
        raise MoveNotAllowed(extra={"allowed": allowed})
    values: dict[str, object] = {"stage": stage, "viewed_at": before.viewed_at or now()}
    if stage not in rules.OPEN:
        values["closed_reason"] = reason
    if before.origin == "response":  # the employer has seen it, but perhaps not later changes
        values["employer_seen"] = max(before.employer_seen, 1)
    row = await _set(tx, id, **values)
    if rules.is_news(before, row, comment if shared else None):
        await _news(tx, row.id, "applicant")
    details = {"comment": comment, "shared": shared, "reason": reason}
    await recording.move(tx, row, before.stage, side="employer", by=asker, **details)
    if stage not in rules.OPEN:
        await interviews.call_off(tx, [row], "employer")


async def accept(tx: Tx, asker: Asker, id: UUID, *, comment: str | None = None) -> None:
    """Accept an invitation, which opens the contacts. Records `ApplicationSubmitted`.

    Raises `NoSuchApplication`, `OtherSide`, `MoveNotAllowed`, and `VacancyNotOpen` if the vacancy
    was closed in the meantime.
    """
    before = await locking.application_for(tx, asker, id, "applicant")
    _require("accept", before, "applicant")
    vacancy_row = await locking.vacancy_of(tx, before.vacancy_id)
    if vacancy_row is None or not rules.takes_answers(vacancy_row.status, vacancy_row.held):
        raise VacancyNotOpen
    kept = await queries.kept_resume(tx, before.resume_id)
    news = application.c.employer_news + 1
    row = await _set(tx, id, accepted_at=now(), kept_resume=kept, employer_news=news)
    recording.submission(tx, row)
    await recording.move(
        tx, row, before.stage, side="applicant", by=asker, comment=comment, shared=True
    )


async def withdraw(tx: Tx, asker: Asker, id: UUID, *, comment: str | None = None) -> None:
    """Withdraw an application, or decline an invitation.

    Raises `NoSuchApplication`, `OtherSide`, `MoveNotAllowed`.
    """
    before = await locking.application_for(tx, asker, id, "applicant")
    _require("withdraw", before, "applicant")
    news = application.c.employer_news + 1
    row = await _set(tx, id, stage="discard_by_applicant", employer_news=news)
    await recording.move(
        tx, row, before.stage, side="applicant", by=asker, comment=comment, shared=True
    )
    await interviews.call_off(tx, [row], "applicant")


async def write(tx: Tx, asker: Asker, id: UUID, text: str, most: int) -> UUID:
    """Send a message to the other side, at most `most` a day; return the message's id.

    Raises `NoSuchApplication`, `MoveNotAllowed`, `TooManyMessages`.
    """
    row = await locking.application_of(tx, id)
    party = asker.party(row.user_id, row.company_id)
    if party is None:
        raise NoSuchApplication
    _require("message", row, party)
    await _require_messages_left(tx, id, party, most)
    await _news(tx, id, "applicant" if party == "employer" else "employer")
    return await recording.message(tx, row, party, asker, text)


def _require_open(vacancy_row: Row[Any]) -> None:
    its = vacancy_row
    if not rules.takes_applications(its.status, its.held, its.valid_through, today()):
        raise VacancyNotOpen


async def _enter(
    tx: Tx, vacancy_row: Row[Any], known: Row[Any], origin: Origin, letter: str | None
) -> tuple[UUID, Row[Any]]:
    if await company_of(tx, known.user_id) == vacancy_row.company_id:
        raise OwnVacancy
    id, moment = new_id(), now()
    entered = await tx.execute(
        upsert(application)
        .values(
            id=id,
            vacancy_id=vacancy_row.id,
            company_id=vacancy_row.company_id,
            resume_id=known.resume_id,
            user_id=known.user_id,
            origin=origin,
            stage="response",
            letter=letter,
            version=1,
            created_at=moment,
            updated_at=moment,
            accepted_at=moment if origin == "response" else None,
            kept_resume=rules.kept(known.snapshot) if origin == "response" else None,
            employer_news=1 if origin == "response" else 0,
            applicant_news=1 if origin == "invitation" else 0,
        )
        .on_conflict_do_nothing()
        .returning(application)
    )
    row: Row[Any] | None = entered.first()
    if row is None:
        before = await queries.latest_of(tx, vacancy_row.id, known.resume_id)
        raise AlreadyApplied(extra={"applicationId": str(before)})
    return id, row


async def _require_invitations_left(tx: Tx, company_id: UUID, most: int) -> None:
    await lock(tx, f"invitations {company_id}")
    its = application.c
    whose = (its.company_id == company_id, its.origin == "invitation")
    if seconds := await seconds_to_wait(tx, its.created_at, *whose, most=most, window=DAY):
        raise TooManyInvitations(retry_after=seconds)


async def _require_messages_left(tx: Tx, id: UUID, party: Party, most: int) -> None:
    """Raise if the daily limit is reached. The caller holds the application's lock."""
    its = application_message.c
    whose = (its.application_id == id, its.side == party)
    if seconds := await seconds_to_wait(tx, its.sent_at, *whose, most=most, window=DAY):
        raise TooManyMessages(retry_after=seconds)


def _require(action: rules.Action, row: Row[Any], party: Party) -> None:
    allowed = rules.allowed_actions(rules.progress_of(row), party)
    if action not in allowed:
        raise MoveNotAllowed(extra={"allowed": allowed})


async def _set(tx: Tx, id: UUID, **values: Any) -> Row[Any]:
    changed = await tx.execute(
        update(application)
        .where(application.c.id == id)
        .values(version=application.c.version + 1, updated_at=now(), **values)
        .returning(application)
    )
    row: Row[Any] = changed.one()
    return row


async def _news(tx: Tx, id: UUID, party: Party) -> None:
    """Count one more unread change for this side. The caller holds the application's lock."""
    news = application.c[f"{party}_news"]
    await tx.execute(update(application).where(application.c.id == id).values({news: news + 1}))
