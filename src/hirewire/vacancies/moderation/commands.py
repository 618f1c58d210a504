"""Commands that report, decide and answer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.contracts.vacancies import ModerationDecided
from hirewire.kit import audit_log
from hirewire.kit.audit_log import Subject
from hirewire.kit.clock import now
from hirewire.kit.db import among, lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.quotas import seconds_to_wait
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import only_company_of
from hirewire.vacancies.errors import NoSuchVacancy, NotShown
from hirewire.vacancies.holds import hold_company, hold_vacancy
from hirewire.vacancies.moderation import queries, rules
from hirewire.vacancies.moderation.rules import Decision, Reason, Target
from hirewire.vacancies.tables import NOBODY, company, decision, report, reported, vacancy

ERASED = "–"
"""Stands for the text of a decision about a company that was erased."""


class NoSuchTarget(NotFound):
    """Vacancy or company not found."""

    code = "target_not_found"


class TooManyReports(AppError):
    """Too many reports; try again later."""

    slug = "too-many-reports"
    code = "too_many_reports"
    kind = Kind.TOO_MANY


class DecisionNotPossible(AppError):
    """This decision is not possible now: somebody may have decided meanwhile."""

    slug = "decision-not-possible"
    code = "decision_not_possible"
    kind = Kind.CONFLICT


class NoSuchDecision(NotFound):
    """Decision not found, or it does not concern your company."""

    code = "decision_not_found"


class AnsweredAlready(AppError):
    """This decision cannot be answered: it was answered, or another one followed."""

    slug = "answered-already"
    code = "answered_already"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reports: a person, or a network."""

    user_id: UUID | None
    network: bytes
    """A keyed digest."""


async def report_it(
    tx: Tx, reader: Reader, target: Target, id: UUID, reason: Reason, text: str | None
) -> None:
    """Report a vacancy or a company. The same reader's second report changes nothing.

    Raises `NoSuchTarget`, `NotShown`, `TooManyReports`.
    """
    company_id = await _shown(tx, target, id)
    await _admit(tx, reader)
    moment = now()
    await _locked(tx, target, id, company_id)
    entered = await tx.execute(
        upsert(report)
        .values(
            id=new_id(),
            target_id=id,
            user_id=reader.user_id,
            network=reader.network,
            reason=reason,
            text=text,
            reported_at=moment,
        )
        .on_conflict_do_nothing()
        .returning(report.c.id)
    )
    if entered.first() is not None:
        its = reported.c
        await tx.execute(
            update(reported).where(its.target_id == id).values(reports=its.reports + 1, at=moment)
        )


async def _locked(tx: Tx, target: Target, id: UUID, company_id: UUID) -> Row[Any]:
    """The row that counts a target's reports, new if there is none, and locked.

    Its lock comes before all others of the target: reports and decisions wait for each other.
    """
    row = upsert(reported).values(
        target_id=id, target=target, company_id=company_id, reports=0, is_answered=False, at=now()
    )
    await tx.execute(row.on_conflict_do_nothing())
    locked = select(reported).where(reported.c.target_id == id).with_for_update()
    return (await tx.execute(locked)).one()


async def _admit(tx: Tx, reader: Reader) -> None:
    """Raise `TooManyReports` if the network or the person has reached a limit."""
    await lock(tx, f"reports {reader.network.hex()}")
    of_network = report.c.network == reader.network
    await _require_left(tx, of_network, rules.FROM_NETWORK, rules.NETWORK_WINDOW)
    if reader.user_id is not None:
        await lock(tx, f"reports {reader.user_id}")
        of_person = report.c.user_id == reader.user_id
        await _require_left(tx, of_person, rules.FROM_PERSON, rules.PERSON_WINDOW)


async def _require_left(tx: Tx, whose: ColumnElement[bool], most: int, window: timedelta) -> None:
    at = report.c.reported_at
    if seconds := await seconds_to_wait(tx, at, whose, most=most, window=window):
        raise TooManyReports(retry_after=seconds)


async def _shown(tx: Tx, target: Target, id: UUID) -> UUID:
    """The company of a target that everybody can read. Raises `NoSuchTarget`, `NotShown`."""
    company_id, is_shown = await _existing(tx, target, id)
    if not is_shown:
        raise NotShown
    return company_id


async def _existing(tx: Tx, target: Target, id: UUID) -> tuple[UUID, bool]:
    """The company of a target that was ever shown, and whether it is now."""
    if target == "company":
        found = await tx.execute(select(company.c.id, ~company.c.held).where(company.c.id == id))
    else:
        its = vacancy.c
        found = await tx.execute(
            select(its.company_id, ~its.held & (its.status != "archived")).where(
                its.id == id, its.published_at.is_not(None)
            )
        )
    row = found.first()
    if row is None:
        raise NoSuchVacancy if target == "vacancy" else NoSuchTarget
    return row[0], row[1]


async def decide(
    tx: Tx,
    operator_id: UUID,
    target: Target,
    id: UUID,
    what: Decision,
    *,
    reason: Reason | None,
    text: str,
) -> UUID:
    """Decide about a vacancy or a company, reported or not; returns the decision's id.

    It answers all reports that wait, and stands in the log of operators' acts. All but a dismissal
    record `ModerationDecided`. Raises `NoSuchTarget`, and `DecisionNotPossible` if it is so
    already.
    """
    company_id, _ = await _existing(tx, target, id)
    before = await _locked(tx, target, id, company_id)
    found = await queries.one(tx, target, id)
    assert found is not None
    allowed = rules.possible(
        taken_down=found.taken_down, waits=before.reports > 0 or before.is_answered
    )
    if what not in allowed:
        raise DecisionNotPossible(extra={"allowed": allowed})
    decided = await _enter(tx, operator_id, before, what, reason, text)
    await audit_log.record(
        tx,
        f"{target}_{decided.kind}",
        Subject(target, str(id)),
        by=operator_id,
        why=text,
        details={"reason": reason} if reason else None,
    )
    if what in ("take_down", "restore"):
        await _set_taken_down(tx, target, id, what == "take_down")
    if what != "dismiss":
        await _publish(tx, decided, target)
    made: UUID = decided.id
    return made


async def _enter(
    tx: Tx, operator_id: UUID, row: Row[Any], what: Decision, reason: Reason | None, text: str
) -> Row[Any]:
    """Store the decision; it answers what waits."""
    moment = now()
    entered = await tx.execute(
        insert(decision)
        .values(
            id=new_id(),
            target_id=row.target_id,
            company_id=row.company_id,
            operator_id=operator_id,
            kind=rules.KIND_OF[what],
            reason=reason,
            text=text,
            decided_at=moment,
        )
        .returning(decision)
    )
    decided: Row[Any] = entered.one()
    await tx.execute(
        update(report)
        .where(report.c.target_id == row.target_id, report.c.decision_id.is_(None))
        .values(decision_id=decided.id)
    )
    await tx.execute(
        update(reported)
        .where(reported.c.target_id == row.target_id)
        .values(reports=0, is_answered=False, at=moment)
    )
    return decided


async def _set_taken_down(tx: Tx, target: Target, id: UUID, taken_down: bool) -> None:
    if target == "vacancy":
        await hold_vacancy(tx, id, taken_down=taken_down)
    else:
        await hold_company(tx, id, "taken_down", taken_down)


async def _publish(tx: Tx, decided: Row[Any], target: Target) -> None:
    """Record the decision for each person of the company, without what it says."""
    for user_id in await queries.members(tx, decided.company_id):
        record(
            tx,
            ModerationDecided(
                decision_id=decided.id,
                user_id=user_id,
                company_id=decided.company_id,
                vacancy_id=decided.target_id if target == "vacancy" else None,
                kind=decided.kind,
            ),
        )


async def answer(tx: Tx, company_id: UUID, id: UUID, text: str) -> UUID:
    """Answer a decision as the owner, once; returns the id of what it is about.

    Raises `NoSuchDecision`, `AnsweredAlready`.
    """
    chosen = select(decision).where(decision.c.id == id, decision.c.company_id == company_id)
    found = (await tx.execute(chosen)).first()
    if found is None:
        raise NoSuchDecision
    its = reported.c
    target_id: UUID = found.target_id
    await tx.execute(select(its.target_id).where(its.target_id == target_id).with_for_update())
    [latest, *_] = await queries.decisions_of(tx, target_id)
    can_answer = latest.kind in rules.ANSWERABLE and latest.answer is None
    if latest.id != id or not can_answer:
        raise AnsweredAlready
    moment = now()
    await tx.execute(
        update(decision).where(decision.c.id == id).values(answer=text, answered_at=moment)
    )
    waits = update(reported).where(its.target_id == target_id)
    await tx.execute(waits.values(is_answered=True, at=moment))
    return target_id


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete what a user who is erased has reported and answered; returns how many rows.

    Runs before `employers` forgets whose company it is.
    """
    gone = await tx.execute(
        delete(report)
        .where(report.c.user_id == user_id)
        .returning(report.c.target_id, report.c.decision_id)
    )
    rows = gone.all()
    waiting = [row.target_id for row in rows if row.decision_id is None]
    its = reported.c
    fewer = update(reported).where(among(its.target_id, waiting))
    await tx.execute(fewer.values(reports=its.reports - 1))
    own = update(decision).where(decision.c.operator_id == user_id)
    records = len(rows) + (await tx.execute(own.values(operator_id=NOBODY))).rowcount
    company_id = await only_company_of(tx, user_id)
    if company_id is None:
        return records
    about = update(decision).where(decision.c.company_id == company_id)
    emptied = await tx.execute(about.values(text=ERASED, answer=None, answered_at=None))
    await tx.execute(update(reported).where(its.company_id == company_id).values(is_answered=False))
    return records + emptied.rowcount
