"""Imports of resumes from JSON Resumes: one, or all that a person has elsewhere."""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import insert, select

from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.profiles.content import Fields, Imported
from hirewire.profiles.reading import LeftOut, Part
from hirewire.profiles.resumes import commands, exports, jsonresume
from hirewire.profiles.resumes.queries import WholeResume, items_of
from hirewire.profiles.tables import education, experience, imported_resume, resume


class Incoming(NamedTuple):
    """A checked row of an import."""

    external_id: str
    document: Imported
    changes: Fields
    """What a JSON Resume cannot say, or says otherwise."""


class Stored(NamedTuple):
    """What was done with a row."""

    id: UUID
    outcome: Literal["created", "unchanged"]
    status: str
    left_out: Sequence[LeftOut] = ()


class _Read(NamedTuple):
    """The rows of a new resume."""

    values: Fields
    experience: list[Fields]
    education: list[Fields]
    left_out: list[LeftOut]


async def import_document(
    tx: Tx, user_id: UUID, document: Imported
) -> tuple[WholeResume, list[LeftOut]]:
    """Create a resume from a checked JSON Resume; also returns the values that were not read.

    Raises `TooMany`.
    """
    commands.require_room(await commands.room(tx, user_id))
    read = _read(document, {})
    [whole] = await _add(tx, user_id, [(new_id(), read)])
    return whole, read.left_out


async def import_rows(tx: Tx, user_id: UUID, rows: Sequence[Incoming]) -> list[Stored | AppError]:
    """Create a resume for each row whose key is new; the others stay as their owner has them.

    The keys of the rows differ. The error of a row that cannot be stored is in its place.
    """
    left = await commands.room(tx, user_id)
    done: dict[str, Stored | AppError] = {}
    done |= await _known(tx, user_id, [row.external_id for row in rows])
    new: list[tuple[UUID, _Read]] = []
    keys: list[dict[str, object]] = []
    for row in rows:
        if row.external_id in done:
            continue
        try:
            commands.require_room(left - len(new))
            read = _read(row.document, row.changes)
            _check_status(read.values)
        except AppError as error:
            done[row.external_id] = error
            continue
        id = new_id()
        new.append((id, read))
        keys.append({"user_id": user_id, "external_id": row.external_id, "resume_id": id})
        status = str(read.values["status"])
        done[row.external_id] = Stored(id, "created", status, read.left_out)
    if new:
        await _add(tx, user_id, new)
        await tx.execute(insert(imported_resume), keys)
    return [done[row.external_id] for row in rows]


async def _known(tx: Tx, user_id: UUID, external_ids: Sequence[str]) -> dict[str, Stored]:
    its = imported_resume.c
    found = await tx.execute(
        select(its.external_id, resume.c.id, resume.c.status)
        .join(resume, resume.c.id == its.resume_id)
        .where(its.user_id == user_id, among(its.external_id, external_ids))
    )
    return {row.external_id: Stored(row.id, "unchanged", row.status) for row in found}


def _read(document: Imported, changes: Fields) -> _Read:
    whole = Part(document)
    values = commands.EMPTY | jsonresume.resume_fields(document, whole) | changes
    values |= {"imported": exports.without_items(document), "link_key": commands.link_key(values)}
    jobs, studies = (
        [
            {"place": place, "imported": entry.value} | read(entry)
            for place, entry in enumerate(jsonresume.items(document, name, whole))
        ]
        for name, read in (
            ("work", jsonresume.experience_fields),
            ("education", jsonresume.education_fields),
        )
    )
    return _Read(values, [job | {"skills": []} for job in jobs], studies, whole.left_out)


def _check_status(values: Fields) -> None:
    """Raise `Incomplete` unless it can have its status. A hidden one is as complete as if it had
    been published before.
    """
    shown = "published" if values["status"] == "hidden" else values["status"]
    commands.check_status("draft", values | {"status": shown})


async def _add(tx: Tx, user_id: UUID, new: Sequence[tuple[UUID, _Read]]) -> list[WholeResume]:
    """Create these resumes, with one statement for each table. Records `ResumeUpdated`."""
    moment = now()
    common = {"user_id": user_id, "version": 1, "created_at": moment, "updated_at": moment}
    await tx.execute(insert(resume), [{**read.values, **common, "id": id} for id, read in new])
    for table, parts in (
        (experience, [(id, read.experience) for id, read in new]),
        (education, [(id, read.education) for id, read in new]),
    ):
        items = [
            {**item, "id": new_id(), "resume_id": id} for id, listed in parts for item in listed
        ]
        if items:
            await tx.execute(insert(table), items)
    ids = [id for id, _ in new]
    rows = await tx.execute(select(resume).where(among(resume.c.id, ids)).order_by(resume.c.id))
    items_by_id = await items_of(tx, ids)
    made = [WholeResume(row, *items_by_id[row.id]) for row in rows]
    for whole in made:
        commands.announce(tx, whole, "created")
    return made
