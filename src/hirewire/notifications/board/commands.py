"""Commands that keep companies, vacancies and resumes, by the versions that events name."""

from collections.abc import Sequence
from uuid import UUID

from hirewire.messaging.transaction import Tx

_TAKE_ON = """
insert into employer as e (user_id, company_id) values ($1, $2)
on conflict (user_id) do update set company_id = excluded.company_id where not $3
"""
_NAME = """
insert into company as c (id, name) values ($1, $2)
on conflict (id) do update set name = coalesce(excluded.name, c.name) where not $3
"""
_VACANCY = """
insert into vacancy as v (id, company_id, version, status, title, title_version)
values ($1, $2, $3, $4, $5::text, case when $5::text is not null then $3::integer end)
on conflict (id) do update set
    version = greatest(v.version, excluded.version),
    status = case when excluded.version > v.version then excluded.status else v.status end,
    title = case when excluded.title_version > coalesce(v.title_version, -1)
        then excluded.title else v.title end,
    title_version = greatest(v.title_version, excluded.title_version)
"""
_RESUME = """
insert into resume as r (id, user_id, version, title, is_visible) values ($1, $2, $3, $4, $5)
on conflict (id) do update set user_id = excluded.user_id, version = excluded.version,
    title = excluded.title, is_visible = excluded.is_visible
where not r.is_deleted and not $6 and (r.version is null or excluded.version > r.version)
"""
_DELETE_RESUME = """
insert into resume as r (id, user_id, is_visible, is_deleted) values ($1, $2, false, true)
on conflict (id) do update set title = null, is_visible = false, is_deleted = true
"""


async def take_on(
    tx: Tx, user_id: UUID, company_id: UUID, company_name: str | None, *, late: bool
) -> None:
    """Store the company that a user acts for. A late event does not overwrite a newer one."""
    await tx.exec_driver_sql(
        "insert into person (user_id) values ($1) on conflict do nothing", (user_id,)
    )
    await tx.exec_driver_sql(_TAKE_ON, (user_id, company_id, late))
    await tx.exec_driver_sql(_NAME, (company_id, company_name, late))


async def take_on_all(tx: Tx, rows: Sequence[tuple[UUID, UUID, str | None, bool]]) -> None:
    """The same for several: user, company, its name, and whether the event is late."""
    meet = "insert into person (user_id) values ($1) on conflict do nothing"
    await tx.exec_driver_sql(meet, [(user,) for user, *_ in rows])
    await tx.exec_driver_sql(_TAKE_ON, [(user, company, late) for user, company, _, late in rows])
    await tx.exec_driver_sql(_NAME, [(company, name, late) for _, company, name, late in rows])


async def store_vacancies(tx: Tx, rows: Sequence[tuple[UUID, UUID, int, str, str | None]]) -> None:
    """Store vacancies: id, company, version, status and title."""
    await tx.exec_driver_sql(_VACANCY, list(rows))


async def store_resumes(
    tx: Tx, rows: Sequence[tuple[UUID, UUID, int, str | None, bool, bool]]
) -> None:
    """Store resumes: id, owner, version, title, visibility, and whether the event is late."""
    await tx.exec_driver_sql(_RESUME, list(rows))


async def store_vacancy(
    tx: Tx, id: UUID, company_id: UUID, version: int, status: str, title: str | None
) -> None:
    """Store a vacancy's status and title, each of its newest version."""
    await tx.exec_driver_sql(_VACANCY, (id, company_id, version, status, title))


async def store_resume(
    tx: Tx,
    id: UUID,
    user_id: UUID,
    version: int | None,
    title: str | None,
    *,
    is_visible: bool,
    late: bool,
) -> None:
    """Store a resume's title, unless a newer version is known or it was deleted."""
    await tx.exec_driver_sql(_RESUME, (id, user_id, version, title, is_visible, late))


async def delete_resume(tx: Tx, id: UUID, user_id: UUID) -> None:
    """Forget a deleted resume's title for good, in companies' notices too."""
    await tx.exec_driver_sql(_DELETE_RESUME, (id, user_id))
    await tx.exec_driver_sql(
        "update notice set resume_title = null where resume_id = $1 and resume_title is not null",
        (id,),
    )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete a person's resumes, also from others' notices, and the name of a company that nobody
    else acts for; returns how many records.
    """
    matches = await tx.exec_driver_sql(
        "delete from notice where kind = 'recommended_candidate' "
        "and resume_id in (select id from resume where user_id = $1)",
        (user_id,),
    )
    titles = await tx.exec_driver_sql(
        "update notice set resume_id = null, resume_title = null "
        "where resume_id in (select id from resume where user_id = $1)",
        (user_id,),
    )
    resumes = await tx.exec_driver_sql("delete from resume where user_id = $1", (user_id,))
    companies = await tx.exec_driver_sql(
        "delete from company c using employer e where e.user_id = $1 and c.id = e.company_id "
        "and not exists (select from employer o "
        "where o.company_id = c.id and o.user_id <> e.user_id)",
        (user_id,),
    )
    employers = await tx.exec_driver_sql("delete from employer where user_id = $1", (user_id,))
    done = (matches, titles, resumes, companies, employers)
    return sum(result.rowcount for result in done)
