"""Imports of many vacancies of one company, by their keys in its other system."""

from collections.abc import Mapping, Sequence, Set
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from hirewire.contracts.vacancies import VacancyPublished
from hirewire.kit.clock import now
from hirewire.kit.db import among, lock
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.quotas import seconds_for_more
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies import states
from hirewire.vacancies.holds import is_held
from hirewire.vacancies.posting import commands
from hirewire.vacancies.tables import imported_vacancy, vacancy, vacancy_import

WINDOW = timedelta(hours=1)


class TooManyRows(AppError):
    """Your company has imported too many vacancies; try again later."""

    slug = "too-many-rows"
    code = "too_many_rows"
    kind = Kind.TOO_MANY


class Incoming(NamedTuple):
    """A checked row of an import."""

    external_id: str
    values: Mapping[str, Any]
    """All columns of a new vacancy."""
    sent: Set[str]
    """The columns that the row names; the others of an existing vacancy stay."""


class Options(NamedTuple):
    """What is to be done with all rows."""

    publish: bool
    update: bool


class Stored(NamedTuple):
    """What was done with a row."""

    id: UUID
    outcome: Literal["created", "updated", "unchanged"]
    status: str


async def admit(tx: Tx, company_id: UUID, count: int, *, most: int) -> None:
    """Count these rows before they are checked. Raises `TooManyRows`.

    `most` rows an hour are allowed. All rows count, since unchanged and wrong ones are work too.
    """
    await _lock(tx, company_id)
    its, moment = vacancy_import.c, now()
    mine = its.company_id == company_id
    await tx.execute(delete(vacancy_import).where(mine, its.at <= moment - WINDOW))
    seconds = await seconds_for_more(
        tx, its.at, its.rows, mine, more=count, most=most, window=WINDOW
    )
    if seconds:
        raise TooManyRows(retry_after=seconds)
    await tx.execute(insert(vacancy_import).values(company_id=company_id, at=moment, rows=count))


async def store(
    tx: Tx, company_id: UUID, rows: Sequence[Incoming], options: Options, *, api_key: str | None
) -> list[Stored | AppError]:
    """Create or update a vacancy for each row, and publish it if it is a draft; what was paused or
    closed stays so.

    The keys of the rows differ. Each row is done wholly or not at all; its error is in its place of
    the result.
    """
    await _lock(tx, company_id)
    there = await _known(tx, company_id, [row.external_id for row in rows])
    new = [row for row in rows if row.external_id not in there]
    done = await _add(tx, company_id, new, publish=options.publish, api_key=api_key)
    for row in rows:
        if (before := there.get(row.external_id)) is None:
            continue
        if options.update:
            done[row.external_id] = await _bring_up(tx, before, row, publish=options.publish)
        else:
            done[row.external_id] = Stored(before.id, "unchanged", before.status)
    return [done[row.external_id] for row in rows]


async def _lock(tx: Tx, company_id: UUID) -> None:
    """Let imports of a company wait for each other until the transaction ends."""
    await is_held(tx, company_id)  # locks in the same order as holding a company
    await lock(tx, f"import of vacancies {company_id}")


async def _known(tx: Tx, company_id: UUID, external_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The vacancies with these keys, locked."""
    its = imported_vacancy.c
    found = await tx.execute(
        select(vacancy, its.external_id)
        .join(imported_vacancy, its.vacancy_id == vacancy.c.id)
        .where(its.company_id == company_id, among(its.external_id, external_ids))
        .order_by(vacancy.c.id)  # as others lock several vacancies
        .with_for_update(of=vacancy)
    )
    return {row.external_id: row for row in found}


async def _add(
    tx: Tx, company_id: UUID, rows: Sequence[Incoming], *, publish: bool, api_key: str | None
) -> dict[str, Stored | AppError]:
    """Create all that may be, in two statements. Records `VacancyPublished`."""
    held, moment = await is_held(tx, company_id), now()
    taken_down = await commands.taken_down_contents(tx, company_id) if publish else frozenset()
    common = {
        "company_id": company_id,
        "version": 1,
        "status": "published" if publish else "draft",
        "created_at": moment,
        "updated_at": moment,
        "published_at": moment if publish else None,
        "company_held": held,
        "api_key": api_key,
    }
    done: dict[str, Stored | AppError] = {}
    made = []
    for row in rows:
        try:
            if publish:
                _check_publishable(row.values, taken_down, held=held)
        except AppError as error:
            done[row.external_id] = error
        else:
            id = new_id()
            made.append({**row.values, **common, "id": id, "external_id": row.external_id})
            done[row.external_id] = Stored(id, "created", "published" if publish else "draft")
    await _insert(tx, made)
    for one in made if publish else ():
        ids = {"vacancy_id": one["id"], "company_id": company_id}
        record(tx, VacancyPublished(**ids, version=1, title=one["title"]))
    return done


async def _insert(tx: Tx, made: Sequence[Mapping[str, Any]]) -> None:
    if not made:
        return
    await tx.execute(
        insert(vacancy), [{k: v for k, v in one.items() if k != "external_id"} for one in made]
    )
    keys = [
        {
            "company_id": one["company_id"],
            "external_id": one["external_id"],
            "vacancy_id": one["id"],
        }
        for one in made
    ]
    await tx.execute(insert(imported_vacancy), keys)


async def _bring_up(tx: Tx, before: Row[Any], row: Incoming, *, publish: bool) -> Stored | AppError:
    """Change an existing vacancy to what the row says. What stands against that is found before
    anything is written.
    """
    company_id, id = before.company_id, before.id
    changes = {name: row.values[name] for name in row.sent}
    publishes = publish and before.status == "draft"
    if not publishes and not commands.differences(before, changes):
        return Stored(id, "unchanged", before.status)
    try:
        if publishes:
            taken_down = await commands.taken_down_contents(tx, company_id, but=id)
            _check_publishable(dict(before._mapping) | changes, taken_down, held=before.held)
        await commands.change(tx, company_id, id, changes)
        if publishes:
            await commands.move(tx, company_id, id, "publish")
    except AppError as error:
        return error
    return Stored(id, "updated", "published" if publishes else before.status)


def _check_publishable(values: Mapping[str, Any], taken_down: Set[str], *, held: bool) -> None:
    """Raise what publishing a draft with these values would."""
    if held:
        raise commands.Held(extra={"allowed": states.allowed_actions("draft", held=held)})
    commands.check_publishable(values, taken_down)
