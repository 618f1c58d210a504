"""Epochs: when they are raised, what that changes, and how they order events."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from hirewire.messaging import lineage, requests
from hirewire.messaging.broker import Delivery, Message, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Malformed, Received, decode
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.testing import consume, delivery, recorded
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import Reader, place_with_notes
from tests.services import NoBroker

__all__ = ["place_with_notes"]


class Takes(NoBroker):
    """A broker that accepts everything."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.taken += messages
        return [Outcome.CONFIRMED] * len(messages)


async def note(place: Place, *texts: str) -> None:
    page = uuid4()
    for text in texts:
        async with place.transactions()() as tx:
            record(tx, Noted(page=page, text=text))


async def epochs(place: Place) -> list[int]:
    async with place.engine.connect() as connection:
        rows = await connection.exec_driver_sql("select epoch from messaging.log order by position")
        return [row.epoch for row in rows]


async def come_to_rest(place: Place) -> lineage.Adopted:
    return await lineage.adopt_at(place.url)


async def become_another(place: Place) -> None:
    """As if this database were a copy of what it was."""
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("update messaging.lineage set system_id = '1'")


async def test_the_same_database_keeps_its_epoch(place: Place) -> None:
    assert await come_to_rest(place) == lineage.Adopted(0)
    await note(place, "one")
    assert await come_to_rest(place) == lineage.Adopted(0)
    assert await epochs(place) == [0]


async def test_an_unused_copy_has_the_same_lineage(place: Place) -> None:
    await come_to_rest(place)
    await become_another(place)
    assert await come_to_rest(place) == lineage.Adopted(0)
    await note(place, "one")
    assert await come_to_rest(place) == lineage.Adopted(0)


async def test_a_copy_made_by_the_server_has_another_lineage(place: Place) -> None:
    await come_to_rest(place)
    await note(place, "one", "two")
    await place.engine.dispose()
    url = make_url(place.url)
    copy = url.set(database=f"{url.database}_copy").render_as_string(hide_password=False)
    server = await connect(place.url.replace(str(url.database), "postgres"), application="tests")
    await server.execute(f'create database "{url.database}_copy" template "{url.database}"')
    await server.close()
    adopted = await lineage.adopt_at(copy)
    assert adopted.epoch > 0
    assert adopted.unsent == 2
    assert "another database of the server" in str(adopted)
    assert (await come_to_rest(place)).epoch == 0


async def test_two_at_once_raise_it_once(place: Place) -> None:
    await come_to_rest(place)
    await note(place, "one")
    await become_another(place)
    found = await asyncio.gather(*(come_to_rest(place) for _ in range(5)))
    assert len({one.epoch for one in found}) == 1
    assert found[0].epoch > 0
    assert sum(one.raised is not None for one in found) == 1


async def test_foreign_transaction_ids_reveal_an_earlier_restore(place: Place) -> None:
    await note(place, "one")
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("update messaging.log set xact = '999999999'")
    assert (await come_to_rest(place)).epoch > 0


async def test_a_copy_that_is_restored_twice_gets_two_epochs(place: Place) -> None:
    """The second lineage does not know the first, whose events its subscribers have consumed: the
    number grows with time, and with each raise.
    """
    await come_to_rest(place)
    await note(place, "one")
    await become_another(place)
    periods = int((datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)) / timedelta(minutes=5))
    adopted = await come_to_rest(place)
    assert periods <= adopted.epoch <= periods + 1
    await become_another(place)
    assert (await come_to_rest(place)).epoch > adopted.epoch
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("update messaging.lineage set epoch = epoch + 1000000")
    await become_another(place)
    assert (await come_to_rest(place)).epoch > 1_000_000 + periods


async def test_unsent_and_new_events_belong_to_the_new_epoch(place: Place) -> None:
    await come_to_rest(place)
    await note(place, "sent", "unsent")
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "delete from messaging.outbox where position = "
            "(select min(position) from messaging.outbox)"
        )
    await become_another(place)
    adopted = await come_to_rest(place)
    await note(place, "new")
    assert await epochs(place) == [0, adopted.epoch, adopted.epoch]
    assert adopted.unsent == 1
    headers = [row.headers for row in await recorded(place.engine)]
    assert [one.get("epoch") for one in headers] == [None, *[str(adopted.epoch)] * 2]


async def test_a_transaction_that_is_open_meanwhile_is_not_left_behind(place: Place) -> None:
    """Its events are unsent: their epoch is raised with the rest, once it has committed."""
    await come_to_rest(place)
    await note(place, "one")
    await become_another(place)
    slow = await connect(place.url, application="tests")
    open_ = slow.transaction()
    await open_.start()
    await slow.execute(
        "with l as (insert into messaging.log (id, position, type, key, sequence, correlation_id, "
        "body) values (gen_random_uuid(), nextval('messaging.position'), 'test.noted', 'k', 1, "
        "'c', '{}') returning *) insert into messaging.outbox (position, id, key) "
        "select position, id, key from l"
    )
    adopting = asyncio.create_task(come_to_rest(place))

    async def waits() -> bool:
        return bool(
            await slow.fetchval(
                "select exists (select from pg_locks where not granted "
                "and relation = 'messaging.log'::regclass)"
            )
        )

    await eventually(waits)
    await open_.commit()
    await slow.close()
    adopted = await adopting
    assert adopted.unsent == 2
    assert await epochs(place) == [adopted.epoch] * 2


async def test_a_relay_publishes_nothing_before_it_has_checked_the_lineage(place: Place) -> None:
    """A failover happens without `migrate`."""
    await come_to_rest(place)
    await note(place, "one")
    await become_another(place)
    broker = Takes()
    relay = Relay(service="writer", database_url=place.url, broker=broker)
    await relay.step()
    await relay.close()
    assert [message.headers["epoch"] for message in broker.taken] == [
        str(epoch) for epoch in await epochs(place)
    ]


async def test_a_relay_that_cannot_check_the_lineage_does_not_lead(place: Place) -> None:
    """A dump holds the log's table: the epoch cannot be raised, and nothing is published."""
    await come_to_rest(place)
    await note(place, "one")
    await become_another(place)
    broker = Takes()
    relay = Relay(service="writer", database_url=place.url, broker=broker)
    dump = await connect(place.url, application="tests")
    async with dump.transaction():
        await dump.execute("lock table messaging.log in access share mode")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await relay.step()
        assert not relay.leads
    await dump.close()
    assert broker.taken == []
    await relay.step()
    await relay.close()
    assert [message.headers["epoch"] for message in broker.taken] == [
        str(epoch) for epoch in await epochs(place)
    ]


async def test_open_replays_begin_again_and_see_all_of_the_past(place: Place) -> None:
    await come_to_rest(place)
    await note(place, *(f"{n}" for n in range(5)))
    connection = await connect(place.url, application="tests")
    await connection.execute(
        "insert into messaging.listener (type, service) values ('test.noted', 'reader'); "
        "update messaging.log set xact = '999999999'; delete from messaging.outbox"
    )
    async with place.transactions()() as tx:
        id, _ = await requests.ask(
            tx, "replay", {"to": "reader", "types": ["test.noted"]}, by="tests"
        )
    await connection.execute(
        "update messaging.job set pass_snapshot = '5:5:', pass_position = 99, done = 3, total = 3"
    )
    await become_another(place)
    assert (await come_to_rest(place)).restarted == 1
    broker = Takes()
    relay = Relay(service="writer", database_url=place.url, broker=broker)

    async def done() -> bool:
        await relay.step()
        async with place.transactions()() as tx:
            request = await requests.find(tx, id)
            return request is not None and request.state == "done"

    await eventually(done)
    await relay.close()
    await connection.close()
    assert len([m for m in broker.taken if m.type == "test.noted"]) == 5


def received(**headers: str) -> Received[Event]:
    one = delivery(Noted(page=uuid4()))
    return decode(replace(one, headers={**one.headers, **headers}))


def test_epoch_and_sequence_form_one_number() -> None:
    assert received(sequence="7").order == 7
    assert received(sequence="7", epoch="0").order == 7
    assert received(sequence="7", epoch="1").order == 2**40 + 7
    assert received(sequence=f"{2**40 - 1}", epoch=f"{2**23 - 1}").order == 2**63 - 1
    assert received(sequence="", epoch="1").order is None
    assert received(sequence=f"{2**62}").order == 2**62


@pytest.mark.parametrize(
    "headers",
    [
        {"epoch": "-1"},
        {"epoch": "1.0"},
        {"epoch": "٣"},
        {"epoch": "9" * 5000},
        {"epoch": str(2**23)},
        {"epoch": "1", "sequence": str(2**40)},
    ],
)
def test_half_a_pair_is_malformed(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        received(**headers)


async def test_a_later_epoch_is_later_whatever_its_sequence(place_with_notes: Place) -> None:
    """In one batch, across batches, and for messages that wait behind a failed one."""
    reader = Reader(place_with_notes)
    page = uuid4()

    def noted(text: str, sequence: int, epoch: int) -> None:
        one = delivery(Noted(page=page, text=text), sequence=sequence)
        deliveries.append(replace(one, headers={**one.headers, "epoch": str(epoch)}))

    deliveries: list[Delivery] = []
    noted("old 5", 5, 0)
    noted("new 2", 2, 1)
    noted("overtaken", 6, 0)
    await consume(reader.consumer, *deliveries)
    assert reader.lates == ["overtaken"]
    deliveries.clear()
    noted("too late", 7, 0)
    await consume(reader.consumer, *deliveries)
    assert reader.lates == ["overtaken", "too late"]
    deliveries.clear()
    reader.broken = {"fails"}
    noted("fails", 3, 1)
    await consume(reader.consumer, *deliveries)
    deliveries.clear()
    noted("new life", 1, 2)
    noted("behind", 4, 1)
    await consume(reader.consumer, *deliveries)
    reader.broken.clear()
    await reader.try_again()
    assert reader.calls[-3:] == ["fails", "new life", "behind"]
    assert reader.lates == ["overtaken", "too late", "behind"]
