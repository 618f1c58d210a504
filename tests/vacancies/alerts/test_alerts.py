"""Alerts of saved searches: what is recorded when vacancies and searches come, change and go."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserErased
from hirewire.kit.clock import now
from hirewire.messaging.event import EVENTS, Event
from hirewire.messaging.testing import Recorded, consume, delivery, recorded
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.alerts import background, commands
from hirewire.vacancies.alerts.index import keeping
from hirewire.vacancies.alerts.index.keeping import index_of
from tests.builders import blocked
from tests.services import Running
from tests.vacancies.conftest import Person


class Board:
    """Vacancies and saved searches of one service, which consumes its own events."""

    def __init__(self, service: Running, employer: Person) -> None:
        self.service = service
        self.employer = employer
        self._consumed = 0

    async def publish(self, title: str, **fields: Any) -> str:
        id = await self.employer.vacancy(title=title, **fields)
        await self.move(id, "publish")
        return id

    async def move(self, id: str, action: str, body: object = None) -> None:
        await self.employer.call("POST", f"/vacancies/{id}/{action}", body)
        await self.catch_up()

    async def edit(self, id: str, **changes: Any) -> None:
        await self.employer.call("PATCH", f"/vacancies/{id}", changes)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Consume what was recorded about vacancies since the last call."""
        rows = [row for row in await recorded(self.service.engine) if row.type in CHANGES]
        new, self._consumed = rows[self._consumed :], len(rows)
        await consume(
            self.service.messaging.consumer,
            *(delivery(row.event, id=row.id, sequence=row.sequence) for row in new),
        )

    async def save(self, person: Person, query: Mapping[str, object], **more: object) -> str:
        body = {"name": "Mine", "query": query} | more
        return str((await person.call("POST", "/searches", body, expect=201))["id"])

    async def events(self) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """What was recorded: matched or the reason of a withdrawal, the vacancy, the searches."""
        rows = await recorded(self.service.engine)
        return [_shown(row) for row in rows if row.type.startswith("search.")]

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.service.engine.connect() as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(statement)]


CHANGES = ("vacancy.published", "vacancy.updated", "vacancy.paused", "vacancy.closed")


def _shown(row: Recorded) -> tuple[str, str | None, tuple[str, ...]]:
    assert row.key == row.body["userId"]
    return row.body.get("reason", "matched"), row.body.get("vacancyId"), (*row.body["searchIds"],)


@pytest.fixture
async def board(vacancies: Running, anna: Person) -> Board:
    await anna.hire()
    return Board(vacancies, anna)


async def test_a_vacancy_is_one_event_for_a_person_however_it_changes(
    board: Board, anna: Person, boris: Person
) -> None:
    cook = await board.save(boris, {"q": "повар"})
    omsk = await board.save(boris, {"area": ["Омск"], "workFormat": ["remote"]})
    await board.save(boris, {"q": "токарь"})
    await board.save(boris, {"q": "повар"}, alerts=False)
    await board.save(anna, {"q": "повар"})  # of the company itself
    id = await board.publish("Повара в столовую")
    both = tuple(sorted((cook, omsk)))
    assert await board.events() == [("matched", id, both)]
    for n in range(3):
        await board.edit(id, title=f"Повар {n}")
    assert len(await board.events()) == 1
    assert len(await board.rows("select 1 from search_match")) == 2

    await board.edit(id, area="Томск")
    assert (await board.events())[1:] == [("no_longer_matches", id, (omsk,))]
    await board.edit(id, area="Omsk")
    assert (await board.events())[2:] == [("matched", id, (omsk,))]
    await board.move(id, "close", {"reason": "filled"})
    assert (await board.events())[3:] == [("vacancy_closed", id, both)]
    await board.move(id, "reopen")
    assert len(await board.events()) == 4
    await board.move(id, "publish")
    assert (await board.events())[4:] == [("matched", id, both)]


async def test_only_what_is_published_after_the_search_was_saved(
    board: Board, boris: Person
) -> None:
    before = await board.publish("Повар")
    search = await board.save(boris, {"q": "повар"})
    await board.edit(before, title="Повар-кондитер")
    await board.move(before, "pause")
    await board.move(before, "publish")
    assert await board.events() == []
    after = await board.publish("Повар")
    assert await board.events() == [("matched", after, (search,))]


async def test_alerts_are_switched_off_and_on(board: Board, anna: Person, boris: Person) -> None:
    search = await board.save(boris, {"q": "повар"})

    async def has_alerts() -> bool:
        [one] = (await boris.call("GET", "/searches"))["items"]
        return bool(one["alerts"])

    assert await has_alerts()
    first = await board.publish("Повар")
    await anna.call("DELETE", f"/searches/{search}/alerts", expect=404)
    for _ in range(2):
        await boris.call("DELETE", f"/searches/{search}/alerts", expect=204)
    assert not await has_alerts()
    off = ("alerts_off", None, (search,))
    assert await board.events() == [("matched", first, (search,)), off]
    await board.publish("Повар")
    await anna.call("PUT", f"/searches/{search}/alerts", expect=404)
    for _ in range(2):
        await boris.call("PUT", f"/searches/{search}/alerts", expect=204)
    await board.edit(first, title="Повар 2")
    assert len(await board.events()) == 2, "of before"
    last = await board.publish("Повар")
    assert (await board.events())[2:] == [("matched", last, (search,))]
    await boris.call("DELETE", f"/searches/{search}", expect=204)
    assert (await board.events())[3:] == [off]
    assert await board.rows("select 1 from search_match") == []
    await board.publish("Повар")
    assert len(await board.events()) == 4


async def test_a_search_that_is_deleted_while_a_vacancy_meets_it(
    board: Board, boris: Person
) -> None:
    """Whichever is first: a match that was recorded is taken back, or nothing is recorded."""
    search = await board.save(boris, {"q": "повар"})
    await board.publish("Повар")
    other = await board.employer.vacancy(title="Повар")
    await board.employer.call("POST", f"/vacancies/{other}/publish")
    transactions = Transactions(board.service.engine, "vacancies")
    async with transactions() as tx:
        await commands.meet(tx, [UUID(other)], {})
        removing = asyncio.create_task(boris.call("DELETE", f"/searches/{search}", expect=204))
        await blocked(board.service.engine, removing)
    await removing
    assert [what for what, _, _ in await board.events()] == ["matched", "matched", "alerts_off"]
    # the index still has it, and finds out
    async with transactions() as tx:
        assert len(index_of(tx)) == 1
        await commands.meet(tx, [UUID(other)], {})
        assert len(index_of(tx)) == 0
    assert len(await board.events()) == 3


async def test_a_transaction_that_is_lost_is_done_again_once(board: Board, boris: Person) -> None:
    """As when the process is killed between the match and the commit."""
    await board.save(boris, {"q": "повар"})
    id = await board.employer.vacancy(title="Повар")
    await board.employer.call("POST", f"/vacancies/{id}/publish")
    transactions = Transactions(board.service.engine, "vacancies")
    with pytest.raises(ZeroDivisionError):
        async with transactions() as tx:
            await commands.meet(tx, [UUID(id)], {})
            raise ZeroDivisionError
    assert await board.events() == []
    await board.catch_up()
    assert [what for what, _, _ in await board.events()] == ["matched"]
    keeping._indexes.clear()  # another process, with an index of its own
    async with transactions() as tx:
        await commands.meet(tx, [UUID(id)], {})
    assert [what for what, _, _ in await board.events()] == ["matched"]


async def test_the_index_is_read_again_while_vacancies_are_published(
    board: Board, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "READ_AT_ONCE", 2)
    ids = [await board.save(boris, {"q": q}) for q in ("повар", "токарь", "-повар", "", "ПОВАР!")]
    keeping._indexes.clear()
    transactions = Transactions(board.service.engine, "vacancies")
    reading = asyncio.create_task(background.read(transactions))
    vacancies = [await board.publish("Повар") for _ in range(3)]
    assert await reading is False
    met = {ids[0], ids[3], ids[4]}
    assert {(id, *searches) for _, id, searches in await board.events()} == {
        (id, *sorted(met)) for id in vacancies
    }
    # searches that were deleted are forgotten in time
    for id in ids:
        await boris.call("DELETE", f"/searches/{id}", expect=204)
    async with transactions() as tx:
        assert len(index_of(tx)) == 5
    await background.read(transactions)
    async with transactions() as tx:
        assert len(index_of(tx)) == 0


async def test_a_held_vacancy_and_an_erased_person(board: Board, boris: Person) -> None:
    search = await board.save(boris, {"q": "повар"})
    id = await board.publish("Повар")
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update vacancy set taken_down = true")
    await _consume(board, "vacancy.paused", {"vacancyId": id})
    assert (await board.events())[1:] == [("vacancy_closed", id, (search,))]
    gone = UserErased(user_id=boris.id, erasure_id=uuid4(), erased_at=now())
    await consume(board.service.messaging.consumer, gone)
    for table in ("saved_search", "search_match"):
        assert await board.rows(f"select 1 from {table}") == []
    assert len(await board.events()) == 2
    assert await background.forget(Transactions(board.service.engine, "vacancies")) is False


async def _consume(board: Board, type: str, body: Mapping[str, Any]) -> None:
    given = {"companyId": str(uuid4()), "version": 9, **body}
    event: Event = EVENTS[type].model_validate(given)
    await consume(board.service.messaging.consumer, delivery(event, sequence=9))


async def test_ten_searches_of_a_person_are_one_event_and_odd_ones_are_harmless(
    board: Board, boris: Person
) -> None:
    odd = ("*", '"', "- - -", "a* OR b", "(", "ё" * 200, "\\", "%_", "от 999999999999")
    for q in odd:
        await board.save(boris, {"q": q})
    all_ = [await board.save(boris, {"q": q}) for q in ("", " ", "повар", "ПОВАР", "pоvar")]
    async with board.service.engine.begin() as connection:  # of an older version
        await connection.exec_driver_sql(
            "insert into saved_search (id, user_id, name, query, created_at, seen_at, alerts_since)"
            " values ($1, $2, 'x', '{\"workFormat\": [\"moon\"]}', now(), now(), now())",
            (uuid4(), boris.id),
        )
    await board.publish("Повар", description="<p>" + "слово " * 1500 + "</p>")
    [(what, _, searches)] = await board.events()
    assert what == "matched"
    assert set(all_[:4]) <= set(searches)
    assert Counter(searches).most_common(1)[0][1] == 1


async def test_replicas_and_changes_of_searches_at_once(board: Board, boris: Person) -> None:
    """Three replicas handle one vacancy while its searches are muted, switched on and deleted."""
    ids = [await board.save(boris, {"q": "повар"}) for _ in range(12)]
    id = await board.employer.vacancy(title="Повар")
    await board.employer.call("POST", f"/vacancies/{id}/publish")
    transactions = Transactions(board.service.engine, "vacancies")

    async def meet() -> None:
        async with transactions() as tx:
            await commands.meet(tx, [UUID(id)], {})

    async def mute_and_alert(search: str) -> None:
        await boris.call("DELETE", f"/searches/{search}/alerts", expect=204)
        await boris.call("PUT", f"/searches/{search}/alerts", expect=204)

    changes = [mute_and_alert(one) for one in ids[:4]]
    changes += [boris.call("DELETE", f"/searches/{one}", expect=204) for one in ids[4:8]]
    await asyncio.gather(*(meet() for _ in range(3)), *changes)
    await meet()
    is_on: dict[str, bool] = {}
    for what, _, searches in await board.events():
        for one in searches:
            assert what != "matched" or not is_on.get(one), "twice"
            is_on[one] = what == "matched"
    rows = await board.rows("select saved_search_id from search_match where not withdrawn")
    assert {str(one) for (one,) in rows} == {one for one, on in is_on.items() if on} == {*ids[8:]}
