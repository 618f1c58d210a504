"""Holds: vacancies and companies that are not shown, whatever their status, and why.

A vacancy is held if it was taken down, or with its whole company. A company is held if it was taken
down, or if everybody who acts for it is blocked. Each cause is stored on its own, so that ending
one does not end another. `held` follows from them in the table, and every reading path asks for it.

An open vacancy that becomes held records `VacancyPaused`, one that is shown again
`VacancyPublished`.
"""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, case, select, update

from hirewire.contracts.vacancies import VacancyPaused, VacancyPublished
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import company, vacancy

Cause = Literal["taken_down", "owner_blocked"]


async def hold_vacancy(tx: Tx, id: UUID, *, taken_down: bool) -> bool:
    """Take a vacancy down, or end that. False if it is so already, or if there is no vacancy.

    The row's lock orders this with publishing and closing.
    """
    before = (await tx.execute(select(vacancy).where(vacancy.c.id == id).with_for_update())).first()
    if before is None or before.taken_down == taken_down:
        return False
    is_open = before.status == "published" and not before.company_held
    changed = await tx.execute(
        update(vacancy)
        .where(vacancy.c.id == id)
        .values(taken_down=taken_down, version=vacancy.c.version + int(is_open))
        .returning(vacancy)
    )
    if is_open:
        _record(tx, changed.one())
    return True


async def hold_company(tx: Tx, id: UUID, cause: Cause, value: bool) -> bool:
    """Set a cause for holding a company and all its vacancies. False if it is so already.

    The company's lock orders this with new vacancies, which are held with their company.
    """
    before = (
        await tx.execute(select(company).where(company.c.id == id).with_for_update(key_share=True))
    ).first()
    if before is None or getattr(before, cause) == value:
        return False
    after = await tx.execute(
        update(company).where(company.c.id == id).values({cause: value}).returning(company.c.held)
    )
    if before.held != (held := after.scalar_one()):
        await _hold_vacancies(tx, id, held)
    return True


async def _hold_vacancies(tx: Tx, company_id: UUID, held: bool) -> None:
    """Hold all vacancies of a company, or show them again."""
    theirs = vacancy.c.company_id == company_id
    # In the order of ids, as others lock several vacancies.
    await tx.execute(select(vacancy.c.id).where(theirs).order_by(vacancy.c.id).with_for_update())
    more = case(((vacancy.c.status == "published") & ~vacancy.c.taken_down, 1), else_=0)
    changed = await tx.execute(
        update(vacancy)
        .where(theirs)
        .values(company_held=held, version=vacancy.c.version + more)
        .returning(vacancy)
    )
    for row in sorted(changed, key=lambda row: row.id):
        if row.status == "published" and not row.taken_down:
            _record(tx, row)


async def is_held(tx: Tx, company_id: UUID) -> bool:
    """Whether the company is held; it stays so until the transaction ends."""
    found = await tx.execute(
        select(company.c.held).where(company.c.id == company_id).with_for_update(read=True)
    )
    return bool(found.scalar_one())


def _record(tx: Tx, row: Row[Any]) -> None:
    ids = {"vacancy_id": row.id, "company_id": row.company_id, "version": row.version}
    record(tx, VacancyPaused(**ids) if row.held else VacancyPublished(**ids, title=row.title))
