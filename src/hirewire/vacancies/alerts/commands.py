"""Commands that note which saved searches a vacancy meets, and which it meets no more."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from hirewire.contracts.vacancies import SearchMatched, SearchMatchWithdrawn
from hirewire.kit.clock import now
from hirewire.kit.turns import in_turns
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.alerts.index.keeping import AlertIndex, board_of, index_of
from hirewire.vacancies.search.index.documents import Document, vacancy_document
from hirewire.vacancies.search.index.engine import Board
from hirewire.vacancies.search.queries import rows_of

KEPT = timedelta(days=60)
"""How long it is remembered that a search met a vacancy which it meets no more."""
_LOCK = """
select s.id, s.user_id, e.company_id
from saved_search s left join employer_profile e on e.user_id = s.user_id
where s.id = any($1) and s.alerts_since is not null order by s.id for share of s
"""
_MEET = """
insert into search_match as m (saved_search_id, vacancy_id, at)
select u.saved_search_id, u.vacancy_id, $3
from unnest($1::uuid[], $2::uuid[]) as u(saved_search_id, vacancy_id)
order by u.saved_search_id, u.vacancy_id
on conflict (saved_search_id, vacancy_id) do update set withdrawn = false, at = excluded.at
    where m.withdrawn
returning saved_search_id, vacancy_id
"""
_WITHDRAW = """
update search_match m set withdrawn = true, at = $4
from saved_search s
where m.vacancy_id = any($1) and not m.withdrawn and s.id = m.saved_search_id
    and not exists (
        select from unnest($2::uuid[], $3::uuid[]) as u(saved_search_id, vacancy_id)
        where u.saved_search_id = m.saved_search_id and u.vacancy_id = m.vacancy_id
    )
returning m.saved_search_id, m.vacancy_id, s.user_id
"""
_FORGET = "delete from search_match where withdrawn and at <= $1"
Pair = tuple[UUID, UUID]


async def meet(tx: Tx, ids: Iterable[UUID], causes: Mapping[UUID, Received[Any]]) -> None:
    """Let these vacancies, as stored in their table, meet all saved searches with alerts.

    Records `SearchMatched` for new matches, and `SearchMatchWithdrawn` for those that are gone. A
    person's searches do not meet the vacancies of the person's own company.
    """
    index = index_of(tx)
    await index.catch_up(tx)
    board = board_of(tx)
    companies: dict[UUID, UUID] = {}
    found: dict[UUID, list[UUID]] = {}
    is_open: dict[UUID, bool] = {}
    async for row in in_turns(await rows_of(tx, "vacancies", list(ids))):
        id, document = UUID(row.id), vacancy_document(dict(row._mapping))
        companies[id], is_open[id] = row.company_id, document is not None
        found[id] = [] if document is None else await _meeting(index, document, board)
    asked = list({search for searches in found.values() for search in searches})
    locked = {row.id: row for row in await tx.exec_driver_sql(_LOCK, (asked,))} if asked else {}
    index.forget(id for id in asked if id not in locked)
    pairs = [
        (search, id)
        for id, searches in found.items()
        for search in searches
        if search in locked and locked[search].company_id != companies[id]
    ]
    await _withdraw(tx, is_open, pairs, causes)
    owners = {id: row.user_id for id, row in locked.items()}
    await _note(tx, pairs, owners, companies, causes)


async def _meeting(index: AlertIndex, document: Document, board: Board) -> list[UUID]:
    """The searches that a vacancy meets, once the board has looked up all that they ask about."""
    while True:
        found = index.meeting(document, board)
        if not await board.learn():
            return found


async def _withdraw(
    tx: Tx,
    is_open: Mapping[UUID, bool],
    pairs: list[Pair],
    causes: Mapping[UUID, Received[Any]],
) -> None:
    """Take back the matches of these vacancies but for these pairs."""
    gone = await tx.exec_driver_sql(_WITHDRAW, (list(is_open), *_columns(pairs), now()))
    for (user_id, vacancy_id), searches in _by_person(
        (row.user_id, row.vacancy_id, row.saved_search_id) for row in gone
    ).items():
        event = SearchMatchWithdrawn(
            user_id=user_id,
            search_ids=searches,
            vacancy_id=vacancy_id,
            reason="no_longer_matches" if is_open[vacancy_id] else "vacancy_closed",
        )
        record(tx, event, cause=causes.get(vacancy_id))


async def _note(
    tx: Tx,
    pairs: list[Pair],
    owners: Mapping[UUID, UUID],
    companies: Mapping[UUID, UUID],
    causes: Mapping[UUID, Received[Any]],
) -> None:
    """Store these matches, but for those that are stored."""
    if not pairs:
        return
    new = await tx.exec_driver_sql(_MEET, (*_columns(pairs), now()))
    for (user_id, vacancy_id), searches in _by_person(
        (owners[row.saved_search_id], row.vacancy_id, row.saved_search_id) for row in new
    ).items():
        event = SearchMatched(
            user_id=user_id,
            vacancy_id=vacancy_id,
            company_id=companies[vacancy_id],
            search_ids=searches,
        )
        record(tx, event, cause=causes.get(vacancy_id))


def _columns(pairs: list[Pair]) -> tuple[list[UUID], list[UUID]]:
    return [search for search, _ in pairs], [vacancy for _, vacancy in pairs]


def _by_person(rows: Iterable[tuple[UUID, UUID, UUID]]) -> dict[tuple[UUID, UUID], list[UUID]]:
    """The searches by person and vacancy, in order."""
    grouped: dict[tuple[UUID, UUID], list[UUID]] = {}
    for user_id, vacancy_id, search_id in sorted(rows):
        grouped.setdefault((user_id, vacancy_id), []).append(search_id)
    return grouped


async def forget_old(tx: Tx) -> None:
    """Delete matches that were taken back long ago."""
    await tx.exec_driver_sql(_FORGET, (now() - KEPT,))
