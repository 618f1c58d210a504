"""The files of `profiles` in an export: the profile, and each resume as JSON Resume and PDF."""

import json
from collections.abc import AsyncGenerator
from uuid import UUID

from sqlalchemy import ColumnElement, Table, exists, select

from hirewire.contracts.profiles import ProfilesExported
from hirewire.kit.clock import now
from hirewire.kit.exports.files import (
    LEFT_OUT_EVERYWHERE,
    ExportFile,
    Exports,
    Section,
    Subject,
    document,
    whole,
)
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions, Tx
from hirewire.profiles import pdf
from hirewire.profiles.resumes import exports, queries
from hirewire.profiles.resumes.queries import WholeResume
from hirewire.profiles.tables import (
    education,
    employer,
    experience,
    imported_resume,
    opened_application,
    opened_resume,
    profile,
    resume,
    resume_retention,
)

AT_ONCE = 10
"""The number of resumes that are read at once."""
_AS_DOCUMENT = {"imported": "stands in the JSON Resume of the resume"}


def _of_resumes(table: Table, id: UUID) -> ColumnElement[bool]:
    return exists().where(resume.c.id == table.c.resume_id, resume.c.user_id == id)


PROFILE = Section("profile", profile, lambda id: profile.c.user_id == id)
SECTIONS = (
    Section("resumes", resume, lambda id: resume.c.user_id == id, without=_AS_DOCUMENT),
    Section("experience", experience, lambda id: _of_resumes(experience, id), without=_AS_DOCUMENT),
    Section("education", education, lambda id: _of_resumes(education, id), without=_AS_DOCUMENT),
    Section(
        "retention",
        resume_retention,
        lambda id: _of_resumes(resume_retention, id),
        without={"notice_id": "a number that connects two services"},
    ),
    Section("importedResumes", imported_resume, lambda id: imported_resume.c.user_id == id),
    Section("readers", opened_resume, lambda id: _of_resumes(opened_resume, id)),
    Section("copies", opened_application, lambda id: _of_resumes(opened_application, id)),
    Section("company", employer, lambda id: employer.c.user_id == id),
)
ELSEWHERE: dict[str, str] = {}
LEFT_OUT = LEFT_OUT_EVERYWHERE | {
    "kit.mail": "`profiles` sends no mail",
}
"""Tables with rows of a person that are not exported, and why."""


async def files(transactions: Transactions, subject: Subject) -> AsyncGenerator[ExportFile]:
    """`profile.json`, and `resumes/<n>.json` and `.pdf` from the oldest resume."""
    async with transactions() as tx:
        yield ExportFile("profile.json", _profile(tx, subject))
        owner = await queries.owner_of(tx, subject.user_id)
    nth, after = 0, UUID(int=0)
    while found := await _resumes(transactions, subject, after):
        for stored in found:
            nth, after = nth + 1, stored.row.id
            yield ExportFile(f"resumes/{nth}.json", whole(_json_resume(stored)))
            made = await pdf.compiled(queries.content(stored, owner), owner.get("locale"))
            yield ExportFile(f"resumes/{nth}.pdf", whole(made))


async def _resumes(transactions: Transactions, subject: Subject, after: UUID) -> list[WholeResume]:
    """The next resumes, the oldest first."""
    its = resume.c
    chosen = select(resume).where(its.user_id == subject.user_id, its.id > after)
    async with transactions() as tx:
        rows = (await tx.execute(chosen.order_by(its.id).limit(AT_ONCE))).all()
        items = await queries.items_of(tx, [row.id for row in rows])
    return [WholeResume(row, *items[row.id]) for row in rows]


async def _profile(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    profiles = [row async for row in PROFILE.rows(tx, subject.user_id)]
    sections = {one.name: one.rows(tx, subject.user_id) for one in SECTIONS}
    own = profiles[0] if profiles else None
    async for piece in document(**{PROFILE.name: own}, **sections):
        yield piece


def _json_resume(stored: WholeResume) -> bytes:
    made = exports.export(dict(stored.row._mapping), stored.experience, stored.education)
    return json.dumps(made, ensure_ascii=False, indent=2).encode()


async def _made(tx: Tx, export_id: UUID, user_id: UUID) -> None:
    record(tx, ProfilesExported(export_id=export_id, user_id=user_id, made_at=now()))


EXPORTS = Exports(files, _made)
