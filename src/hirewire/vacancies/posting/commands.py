"""Commands that change vacancies.

Each change makes a new version; changes that applicants can see are recorded as events.
"""

from collections.abc import Mapping, Set
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from hirewire.contracts.vacancies import (
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
from hirewire.kit.clock import now, today
from hirewire.kit.errors import AppError, FieldError, Kind
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies import states
from hirewire.vacancies.authority import only_company_of
from hirewire.vacancies.errors import NoSuchVacancy
from hirewire.vacancies.holds import is_held
from hirewire.vacancies.posting import rules
from hirewire.vacancies.states import Action
from hirewire.vacancies.tables import imported_vacancy, vacancy


class MoveNotAllowed(AppError):
    """This action is not allowed in the vacancy's current status."""

    slug = "move-not-allowed"
    code = "move_not_allowed"
    kind = Kind.CONFLICT


class Held(AppError):
    """This vacancy is not shown on the board, so it cannot be published or duplicated."""

    slug = "held"
    code = "held"
    kind = Kind.CONFLICT


class TakenDownBefore(AppError):
    """A vacancy with this text was taken down: it cannot be published again."""

    slug = "taken-down-before"
    code = "taken_down_before"
    kind = Kind.CONFLICT


class Incomplete(AppError):
    """Required fields are missing: the vacancy cannot be published."""

    slug = "incomplete"
    code = "incomplete"
    kind = Kind.CONFLICT


COPIED = (
    "title",
    "description",
    "requirements",
    "experience",
    "employment_type",
    "work_format",
    "area",
    "address",
    "salary",
    "languages",
    "response_letter_required",
)
"""The fields that a copy takes from the original."""
EDITABLE = (*COPIED, "valid_through")


async def create(tx: Tx, company_id: UUID, fields: Mapping[str, object]) -> UUID:
    """Create a draft and return its id."""
    moment, id = now(), new_id()
    await tx.execute(
        insert(vacancy).values(
            id=id,
            company_id=company_id,
            version=1,
            status="draft",
            created_at=moment,
            updated_at=moment,
            company_held=await is_held(tx, company_id),
            **fields,
        )
    )
    return id


async def copy(tx: Tx, company_id: UUID, id: UUID) -> UUID:
    """Create a draft with the content of a vacancy in any status; returns the draft's id.

    The last day is not copied. Raises `NoSuchVacancy`, and `Held` for one that is not shown.
    """
    await is_held(tx, company_id)  # locks in the same order as holding a company
    original = await _locked(tx, company_id, id)
    if original.held:
        raise Held
    return await create(tx, company_id, {name: getattr(original, name) for name in COPIED})


async def change(tx: Tx, company_id: UUID, id: UUID, changes: Mapping[str, object]) -> None:
    """Set these fields. Records `VacancyUpdated` if the vacancy is open and something has changed.

    Raises `NoSuchVacancy`, `MoveNotAllowed` for a closed one, `Incomplete`, `TakenDownBefore`.
    """
    before = await _locked(tx, company_id, id)
    if before.status not in states.EDITABLE:
        raise MoveNotAllowed(extra=_allowed(before))
    differing = differences(before, changes)
    if not differing:
        return
    if before.status != "draft":
        after_it = dict(before._mapping) | differing
        _check_complete(after_it)
        _check_content(after_it, await taken_down_contents(tx, company_id, but=id))
    # Always all fields, so that there is one prepared statement instead of one per combination.
    values = {name: getattr(before, name) for name in EDITABLE} | differing
    after = await _set(tx, id, **values)
    if after.status == "published" and not after.held:
        record(
            tx,
            VacancyUpdated(
                vacancy_id=id, company_id=company_id, version=after.version, title=after.title
            ),
        )


async def move(
    tx: Tx, company_id: UUID, id: UUID, action: Action, *, reason: str | None = None
) -> None:
    """Publish, pause, close, reopen or archive a vacancy; all but archiving record an event.

    Republishing a paused vacancy records the same event as the first publication. A reopened
    vacancy becomes paused, so that it can be changed before publication. Reopening removes a last
    day in the past, which would close the vacancy again at once. Raises `NoSuchVacancy`,
    `MoveNotAllowed`, `Incomplete`, `Held`, `TakenDownBefore`.
    """
    before = await _locked(tx, company_id, id)
    following = states.moves(before.status, held=before.held).get(action)
    if following is None:
        is_held = action in states.moves(before.status, held=False)
        raise (Held if is_held else MoveNotAllowed)(extra=_allowed(before))
    values: dict[str, object] = {"status": following}
    if action == "publish":
        check_publishable(before._mapping, await taken_down_contents(tx, company_id, but=id))
        values["published_at"] = before.published_at or now()
    if action == "close":
        values |= {"close_reason": reason, "reopened_at": None}
    if action == "reopen":
        values |= {"close_reason": None, "reopened_at": now()}
        if rules.is_over(before.valid_through, today()):
            values["valid_through"] = None
    after = await _set(tx, id, **values)
    if action == "publish":
        record(
            tx,
            VacancyPublished(
                vacancy_id=id, company_id=company_id, version=after.version, title=after.title
            ),
        )
    elif action in ("pause", "reopen"):
        record(tx, VacancyPaused(vacancy_id=id, company_id=company_id, version=after.version))
    elif action == "close":
        _record_closed(tx, after, reason or "cancelled")


async def close_expired(tx: Tx, *, limit: int) -> bool:
    """Close a batch of vacancies whose last day has passed, with the reason `expired`.

    Returns False if there were none. Rows that others have locked are left for the next run.
    """
    rows = await tx.execute(
        select(vacancy.c.id)
        .where(vacancy.c.status.in_(("published", "paused")))
        .where(vacancy.c.valid_through < today())
        .order_by(vacancy.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [row.id for row in rows]
    for id in ids:
        after = await _set(tx, id, status="closed", close_reason="expired", reopened_at=None)
        _record_closed(tx, after, "expired")
    return bool(ids)


async def erase(tx: Tx, user_id: UUID) -> int:
    """Close the vacancies of a company that only this user acts for, as the user is erased; returns
    how many rows. Records `VacancyClosed`.

    What was published keeps its title and requirements, for those who have applied; drafts are
    deleted. Runs before `employers` forgets whose company it is.
    """
    company_id = await only_company_of(tx, user_id)
    if company_id is None:
        return 0
    its = vacancy.c
    of_company = its.company_id == company_id
    keys = imported_vacancy.c.company_id == company_id
    forgotten = await tx.execute(delete(imported_vacancy).where(keys))
    drafts = await tx.execute(delete(vacancy).where(of_company, its.published_at.is_(None)))
    rows = await tx.execute(
        select(its.id, its.status).where(of_company).order_by(its.id).with_for_update()
    )
    left = rows.all()
    for row in left:
        closing = row.status in ("published", "paused")
        values: dict[str, object] = {"description": None, "address": None}
        if closing:
            values |= {"status": "closed", "close_reason": "cancelled", "reopened_at": None}
        after = await _set(tx, row.id, **values)
        if closing:
            _record_closed(tx, after, "cancelled")
    return forgotten.rowcount + drafts.rowcount + len(left)


def _record_closed(tx: Tx, row: Row[Any], reason: str) -> None:
    record(
        tx,
        VacancyClosed(
            vacancy_id=row.id, company_id=row.company_id, version=row.version, reason=reason
        ),
    )


def _allowed(row: Row[Any]) -> dict[str, object]:
    return {"allowed": states.allowed_actions(row.status, held=row.held)}


async def taken_down_contents(tx: Tx, company_id: UUID, *, but: UUID | None = None) -> set[str]:
    """What the vacancies of a company say that were taken down, except for one of them."""
    its = vacancy.c
    rows = await tx.execute(
        select(its.id, its.title, its.description).where(
            its.company_id == company_id, its.taken_down
        )
    )
    return {rules.content_of(row.title, row.description) for row in rows if row.id != but}


def differences(before: Row[Any], changes: Mapping[str, object]) -> dict[str, object]:
    """The changes that differ from what a vacancy has."""
    return {name: value for name, value in changes.items() if value != getattr(before, name)}


def check_publishable(values: Mapping[Any, Any], taken_down: Set[str]) -> None:
    """Raise `Incomplete` or `TakenDownBefore` if a vacancy with these values cannot be published.

    `taken_down` is what others of its company say that were taken down.
    """
    _check_complete(values)
    _check_content(values, taken_down)
    if rules.is_over(values["valid_through"], today()):
        raise Incomplete(errors=[FieldError("#/validThrough", "has passed", "in_the_past")])


def _check_content(values: Mapping[Any, Any], taken_down: Set[str]) -> None:
    if taken_down and rules.content_of(values["title"], values["description"]) in taken_down:
        raise TakenDownBefore


def _check_complete(values: Mapping[Any, Any]) -> None:
    missing = rules.missing_to_publish(values)
    if missing:
        detail = "required for a published vacancy"
        raise Incomplete(
            errors=[FieldError(f"#/{name}", detail, "required_to_publish") for name in missing]
        )


async def _locked(tx: Tx, company_id: UUID, id: UUID) -> Row[Any]:
    found = await tx.execute(
        select(vacancy)
        .where(vacancy.c.id == id, vacancy.c.company_id == company_id)
        .with_for_update()
    )
    row = found.first()
    if row is None:
        raise NoSuchVacancy
    return row


async def _set(tx: Tx, id: UUID, **values: Any) -> Row[Any]:
    changed = await tx.execute(
        update(vacancy)
        .where(vacancy.c.id == id)
        .values(version=vacancy.c.version + 1, updated_at=now(), **values)
        .returning(vacancy)
    )
    row: Row[Any] = changed.one()
    return row
