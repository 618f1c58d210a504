"""Opening resumes to companies, and remembering who has read them."""

from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.outbox import Tx

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
_READ = """
update opened_resume set first_read_at = coalesce(first_read_at, $3), last_read_at = $3,
    times = times + 1
where resume_id = $1 and company_id = $2
"""


async def take_on(
    tx: Tx, user_id: UUID, company_id: UUID, company_name: str | None, late: bool
) -> None:
    """Note for whom somebody acts; what comes late changes nothing that is known."""
    statement = _TAKE_ON
    if late:
        statement = statement[: statement.index("do update")] + "do nothing"
    await tx.exec_driver_sql(statement, (user_id, company_id, company_name))


async def open_resume(tx: Tx, resume_id: UUID, user_id: UUID, company_id: UUID) -> None:
    """Open this person's resume to this company; one that is deleted stays closed.

    It stays open after the application has ended: the company has had it by then.
    """
    await tx.exec_driver_sql(_OPEN, (resume_id, company_id, user_id, now()))


async def note_reading(tx: Tx, resume_id: UUID, company_id: UUID) -> None:
    """Somebody of this company has read it."""
    await tx.exec_driver_sql(_READ, (resume_id, company_id, now()))
