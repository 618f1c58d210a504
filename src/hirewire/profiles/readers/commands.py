"""Commands that open resumes to companies and record who has read them."""

import json
from dataclasses import dataclass
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.profiles.readers import queries, rules
from hirewire.profiles.sections import MORE

_TAKE_ON = """
insert into employer (user_id, company_id, company_name) values ($1, $2, $3)
on conflict (user_id) do update set company_id = excluded.company_id,
    company_name = coalesce(excluded.company_name, employer.company_name)
"""
_OPEN = """
insert into opened_resume (resume_id, company_id, opened_at)
select id, $2, $4 from resume where id = $1 and user_id = $3
on conflict do nothing
"""
_OPEN_BY = """
insert into opened_application (application_id, resume_id, company_id, opened_at, kept)
values ($1, $2, $3, $4, $5)
on conflict (application_id) do update set
    opened_at = coalesce(opened_application.opened_at, excluded.opened_at),
    kept = coalesce(opened_application.kept, excluded.kept)
"""
_END = """
insert into opened_application (application_id, resume_id, company_id, ended_at, withdrawn)
select $1, id, $3, $4, $5 from resume where id = $2 and user_id = $6
on conflict (application_id) do update set
    ended_at = coalesce(opened_application.ended_at, excluded.ended_at),
    withdrawn = opened_application.withdrawn or excluded.withdrawn
"""
_READ = """
update opened_resume set first_read_at = coalesce(first_read_at, $3), last_read_at = $3,
    times = times + 1
where resume_id = $1 and company_id = $2
"""


async def take_on(
    tx: Tx, user_id: UUID, company_id: UUID, company_name: str | None, late: bool
) -> None:
    """Record the company that a user acts for. A late event does not overwrite a newer one."""
    statement = _TAKE_ON
    if late:
        statement = statement[: statement.index("do update")] + "do nothing"
    await tx.exec_driver_sql(statement, (user_id, company_id, company_name))


@dataclass(frozen=True, slots=True)
class Application:
    """An application with a resume, from a consumed event."""

    id: UUID
    resume_id: UUID
    user_id: UUID
    company_id: UUID


async def open_resume(tx: Tx, by: Application) -> None:
    """Open the applicant's resume to the company, and store a copy for after the application.

    A deleted resume is not opened.
    """
    if await queries.is_opened(tx, by.id):
        return
    whole = await queries.whole(tx, by.resume_id, by.user_id)
    if whole is None:
        return
    imported = whole["imported"] or {}
    shown = {name: imported[name] for name in MORE if name in imported}
    kept = json.dumps(rules.kept(whole, shown))
    moment = now()
    await tx.exec_driver_sql(_OPEN, (by.resume_id, by.company_id, by.user_id, moment))
    await tx.exec_driver_sql(_OPEN_BY, (by.id, by.resume_id, by.company_id, moment, kept))


async def end(tx: Tx, by: Application, *, withdrawn: bool) -> None:
    """Record the end of an application: the company now reads the stored copy, without contacts if
    the applicant has withdrawn. The events that open and end it may be consumed in either order.
    """
    await tx.exec_driver_sql(
        _END, (by.id, by.resume_id, by.company_id, now(), withdrawn, by.user_id)
    )


async def note_reading(tx: Tx, resume_id: UUID, company_id: UUID) -> None:
    """Record that a member of the company has read the resume."""
    await tx.exec_driver_sql(_READ, (resume_id, company_id, now()))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Forget the company that the user acts for; returns how many there were.

    Who has read the user's resumes is deleted with these.
    """
    gone = await tx.exec_driver_sql("delete from employer where user_id = $1", (user_id,))
    return gone.rowcount
