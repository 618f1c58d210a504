"""Commands on resumes. Each one creates one version and records one `ResumeUpdated`."""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic_core import PydanticCustomError
from sqlalchemy import Row, Table, delete, func, insert, select, update

from hirewire.contracts.profiles import (
    Money,
    ResumeAction,
    ResumeSnapshot,
    ResumeUpdated,
    SnapshotEducation,
    SnapshotExperience,
    SnapshotLanguage,
    SnapshotSkill,
)
from hirewire.esco.licences import labels_in
from hirewire.kit.clock import now, today
from hirewire.kit.db import lock
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind, NotFound
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.profiles.content import Fields
from hirewire.profiles.dates import check_period
from hirewire.profiles.errors import NoSuchResume
from hirewire.profiles.resumes import rules
from hirewire.profiles.resumes.queries import WholeResume, resume_of, with_items
from hirewire.profiles.tables import (
    education,
    experience,
    opened_application,
    opened_resume,
    resume,
)

MOST_RESUMES = 50
MOST_ITEMS = 100
ItemRow = Mapping[str, Any]
"""A row of `experience` or `education`."""
EMPTY: Fields = {
    "status": "draft",
    "title": None,
    "summary": None,
    "area": None,
    "relocation": False,
    "employment_types": [],
    "work_formats": [],
    "salary": None,
    "skills": [],
    "languages": [],
    "certificates": [],
    "links": [],
    "projects": [],
    "visibility": "recommended",
    "hidden_from": [],
    "link_key": None,
    "link_shows": [],
    "imported": None,
}


class NoSuchItem(NotFound):
    """This resume has no such item."""

    code = "item_not_found"


class MoveNotAllowed(AppError):
    """The resume cannot change to this status now."""

    slug = "move-not-allowed"
    code = "move_not_allowed"
    kind = Kind.CONFLICT


class Incomplete(AppError):
    """Required fields are missing."""

    slug = "incomplete"
    code = "incomplete"
    kind = Kind.CONFLICT


class TooMany(AppError):
    """The limit for these items has been reached."""

    slug = "too-many-items"
    code = "too_many_items"
    kind = Kind.CONFLICT


async def create(tx: Tx, user_id: UUID, fields: Fields) -> WholeResume:
    """Create a resume. Raises the status errors of `change`."""
    require_room(await room(tx, user_id))
    values = EMPTY | fields
    values["link_key"] = link_key(values)
    check_status("draft", values)
    return await _announce(tx, await _insert(tx, user_id, values), "created")


async def change(tx: Tx, user_id: UUID, id: UUID, changes: Fields) -> WholeResume:
    """Set these fields and return the changed resume.

    If no value differs, there is no new version and no event.

    Raises `NoSuchResume`, `MoveNotAllowed`, `Incomplete`.
    """
    before = await _locked(tx, user_id, id)
    differing = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not differing:
        return await with_items(tx, before)
    after = dict(before._mapping) | differing
    check_status(before.status, after)
    differing["link_key"] = link_key(after)
    return await _announce(tx, await _bump(tx, id, differing), "updated")


async def remove(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Delete a resume with all its data. Raises `NoSuchResume`."""
    before = await _locked(tx, user_id, id)
    await tx.execute(delete(resume).where(resume.c.id == id))
    record(
        tx,
        ResumeUpdated(user_id=user_id, resume_id=id, action="deleted", version=before.version + 1),
    )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete all resumes of a user who is erased, with their parts and readers; returns how many
    rows. Records `ResumeUpdated` for consumers that know no erased users.
    """
    counted = 0
    for table in (experience, education, opened_resume, opened_application):
        gone = await tx.execute(
            delete(table).where(
                table.c.resume_id.in_(select(resume.c.id).where(resume.c.user_id == user_id))
            )
        )
        counted += gone.rowcount
    rows = await tx.execute(
        delete(resume).where(resume.c.user_id == user_id).returning(resume.c.id, resume.c.version)
    )
    for row in rows:
        counted += 1
        record(
            tx,
            ResumeUpdated(
                user_id=user_id, resume_id=row.id, action="deleted", version=row.version + 1
            ),
        )
    return counted


async def add_experience(
    tx: Tx, user_id: UUID, id: UUID, fields: Fields, place: int | None = None
) -> ItemRow:
    """Add a position and return it. Raises `NoSuchResume`, `TooMany`.

    It comes at the end, or at `place` (0 is the first).
    """
    return await _add(tx, experience, user_id, id, fields, "experience_added", place)


async def change_experience(
    tx: Tx, user_id: UUID, id: UUID, item_id: UUID, changes: Fields
) -> ItemRow:
    """Change a position. Raises `NoSuchResume`, `NoSuchItem`, `Invalid` for its dates."""
    return await _change(tx, experience, user_id, id, item_id, changes, "experience_updated")


async def remove_experience(tx: Tx, user_id: UUID, id: UUID, item_id: UUID) -> None:
    """Remove a position. Raises `NoSuchResume`, `NoSuchItem`."""
    await _remove(tx, experience, user_id, id, item_id, "experience_removed")


async def add_education(
    tx: Tx, user_id: UUID, id: UUID, fields: Fields, place: int | None = None
) -> ItemRow:
    """Add a course of study and return it. Raises `NoSuchResume`, `TooMany`.

    It comes at the end, or at `place` (0 is the first).
    """
    return await _add(tx, education, user_id, id, fields, "education_added", place)


async def change_education(
    tx: Tx, user_id: UUID, id: UUID, item_id: UUID, changes: Fields
) -> ItemRow:
    """Change a course of study. Raises the same errors as `change_experience`."""
    return await _change(tx, education, user_id, id, item_id, changes, "education_updated")


async def remove_education(tx: Tx, user_id: UUID, id: UUID, item_id: UUID) -> None:
    """Remove a course of study. Raises `NoSuchResume`, `NoSuchItem`."""
    await _remove(tx, education, user_id, id, item_id, "education_removed")


async def _add(
    tx: Tx,
    table: Table,
    user_id: UUID,
    id: UUID,
    fields: Fields,
    action: ResumeAction,
    place: int | None,
) -> ItemRow:
    await _locked(tx, user_id, id)
    mine = table.c.resume_id == id
    ordered = select(table.c.place).where(mine).order_by(table.c.place, table.c.id)
    places = list(await tx.scalars(ordered))
    if len(places) >= MOST_ITEMS:
        raise TooMany(
            f"A resume can have at most {MOST_ITEMS} of these.", params={"max": MOST_ITEMS}
        )
    at = places[-1] + 1 if places else 0
    if place is not None and place < len(places):
        at = places[place]
        later = update(table).where(mine, table.c.place >= at)
        await tx.execute(later.values(place=table.c.place + 1))
    values = {"id": new_id(), "resume_id": id, "place": at} | fields
    made = (await tx.execute(insert(table).values(values).returning(table))).one()
    await _announce(tx, await _bump(tx, id), action, made.id)
    return dict(made._mapping)


async def _change(
    tx: Tx,
    table: Table,
    user_id: UUID,
    id: UUID,
    item_id: UUID,
    changes: Fields,
    action: ResumeAction,
) -> ItemRow:
    before = await _item(tx, table, user_id, id, item_id)
    differing = {name: value for name, value in changes.items() if value != before[name]}
    if not differing:
        return before
    after = {**before, **differing}
    try:
        if table is experience:
            check_period(after["start"], after["end"])
        elif after["start_year"] and after["end_year"] and after["end_year"] < after["start_year"]:
            raise PydanticCustomError("end_before_start", "end must not be before start")
    except PydanticCustomError as error:
        raise Invalid(errors=[FieldError.of("#/end", error)]) from None
    await tx.execute(update(table).where(table.c.id == item_id).values(**differing))
    await _announce(tx, await _bump(tx, id), action, item_id)
    return after


async def _remove(
    tx: Tx, table: Table, user_id: UUID, id: UUID, item_id: UUID, action: ResumeAction
) -> None:
    await _item(tx, table, user_id, id, item_id)
    await tx.execute(delete(table).where(table.c.id == item_id))
    await _announce(tx, await _bump(tx, id), action, item_id)


async def _item(tx: Tx, table: Table, user_id: UUID, id: UUID, item_id: UUID) -> ItemRow:
    await _locked(tx, user_id, id)
    row = (
        await tx.execute(select(table).where(table.c.id == item_id, table.c.resume_id == id))
    ).first()
    if row is None:
        raise NoSuchItem
    return dict(row._mapping)


async def _locked(tx: Tx, user_id: UUID, id: UUID) -> Row[Any]:
    """Lock the row before a change, so that versions, snapshots and commits have one order."""
    row = await resume_of(tx, user_id, id, lock=True)
    if row is None:
        raise NoSuchResume
    return row


async def room(tx: Tx, user_id: UUID) -> int:
    """How many more resumes the person can have, until the transaction ends."""
    # Without the lock, two concurrent requests would not count each other's resume.
    await lock(tx, f"resumes {user_id}")
    count = await tx.execute(
        select(func.count()).select_from(resume).where(resume.c.user_id == user_id)
    )
    return MOST_RESUMES - count.scalar_one()


def require_room(left: int) -> None:
    """Raise `TooMany` unless there is room for one more resume."""
    if left <= 0:
        raise TooMany(
            f"A person can have at most {MOST_RESUMES} resumes.", params={"max": MOST_RESUMES}
        )


async def _insert(tx: Tx, user_id: UUID, values: Fields) -> Row[Any]:
    moment = now()
    statement = insert(resume).values(
        id=new_id(), user_id=user_id, version=1, created_at=moment, updated_at=moment, **values
    )
    made: Row[Any] = (await tx.execute(statement.returning(resume))).one()
    return made


async def _bump(tx: Tx, id: UUID, values: Fields | None = None) -> Row[Any]:
    """Increment the version and set these values."""
    statement = update(resume).where(resume.c.id == id)
    statement = statement.values(version=resume.c.version + 1, updated_at=now(), **(values or {}))
    made: Row[Any] = (await tx.execute(statement.returning(resume))).one()
    return made


def link_key(values: Mapping[str, Any]) -> str | None:
    """The key of its link. Sharing again makes a new one, so that old links stay invalid."""
    if values["visibility"] != "link":
        return None
    before: str | None = values["link_key"]
    return before or secrets.token_urlsafe(18)


def check_status(before: str, after: Mapping[str, Any]) -> None:
    """Raise `MoveNotAllowed` or `Incomplete` if it cannot have its new status."""
    status = after["status"]
    if status != before and status not in rules.moves_from(before):
        raise MoveNotAllowed(extra={"allowed": list(rules.moves_from(before))})
    missing = rules.completeness(after).missing_mandatory
    if status == "published" and missing:
        detail = "required for a published resume"
        raise Incomplete(
            errors=[FieldError(f"#/{name}", detail, "required_to_publish") for name in missing]
        )


async def _announce(
    tx: Tx, row: Row[Any], action: ResumeAction, item_id: UUID | None = None
) -> WholeResume:
    whole = await with_items(tx, row)
    announce(tx, whole, action, item_id)
    return whole


def announce(tx: Tx, whole: WholeResume, action: ResumeAction, item_id: UUID | None = None) -> None:
    """Record a `ResumeUpdated` event with a snapshot."""
    row = whole.row
    item: dict[str, Any] = {}  # unset ids are left out of the event
    if action.startswith("experience_"):
        item["experience_id"] = item_id
    elif action.startswith("education_"):
        item["education_id"] = item_id
    record(
        tx,
        ResumeUpdated(
            user_id=row.user_id,
            resume_id=row.id,
            action=action,
            version=row.version,
            resume=_snapshot(whole),
            **item,
        ),
    )


def _snapshot(whole: WholeResume) -> ResumeSnapshot:
    """The snapshot of a resume for events, without personal data."""
    row, jobs, studies = whole.row, whole.experience, whole.education
    return ResumeSnapshot(
        title=row.title,
        status=row.status,
        visibility=row.visibility,
        hidden_from=row.hidden_from,
        area=row.area,
        relocation=row.relocation,
        employment_types=row.employment_types,
        work_formats=row.work_formats,
        salary=Money.model_validate(row.salary) if row.salary else None,
        experience_months=rules.total_months(((job["start"], job["end"]) for job in jobs), today()),
        experience=[
            SnapshotExperience(
                id=job["id"],
                company=job["company"],
                position=job["position"],
                start=job["start"],
                end=job["end"],
                skills=job["skills"],
            )
            for job in jobs
        ],
        education=[
            SnapshotEducation(
                id=study["id"],
                organization=study["organization"],
                level=study["level"],
                field=study["field"],
                start_year=study["start_year"],
                end_year=study["end_year"],
            )
            for study in studies
        ],
        skills=[SnapshotSkill.model_validate(skill) for skill in row.skills],
        languages=[SnapshotLanguage.model_validate(language) for language in row.languages],
        licences=labels_in(one["name"] for one in row.certificates),
    )
