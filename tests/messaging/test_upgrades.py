"""Versions of a service in parallel: events unknown to the older one are left to the newer one."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import dead_letters, unreadable
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.testing import consume, delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Erased, Noted, Place
from tests.services import NoBroker


async def keep(tx: Tx, received: Received[Erased] | Received[Noted]) -> None:
    text = getattr(received.event, "text", "erased")
    await tx.exec_driver_sql("insert into note (text, late) values ($1, $2)", (text, received.late))


NOTES = on(Noted, keep, name="reader.notes")
ERASED = on(Erased, keep, name="reader.erased")


@pytest.fixture
async def reader(place: Place) -> Place:
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text, late boolean)"
        )
    return place


def version(
    reader: Place, *subscriptions: Subscription, shared_user: str | None = None
) -> Consumer:
    return Consumer(
        service="reader",
        transactions=reader.transactions("reader"),
        broker=NoBroker(),
        subscriptions=subscriptions,
        services=frozenset({"reader", "writer"}),
        shared_user=shared_user,
    )


async def notes(reader: Place) -> list[tuple[str, bool]]:
    async with reader.engine.connect() as tx:
        result = await tx.exec_driver_sql("select text, late from note order by n")
        return [(row.text, row.late) for row in result]


async def states(reader: Place) -> dict[str, int]:
    async with reader.transactions("reader")() as tx:
        return await dead_letters.counts(tx)


def noted(page: UUID, nth: int) -> Delivery:
    return delivery(Noted(page=page, text=f"{nth}"), sequence=nth)


async def test_events_unknown_to_an_older_version_are_kept_for_the_newer_one(
    reader: Place,
) -> None:
    page = uuid4()
    older, newer = version(reader, ERASED), version(reader, ERASED, NOTES)
    first, second, third = (noted(page, nth) for nth in (1, 2, 3))
    await consume(older, first, second, third, noted(uuid4(), 1))
    assert await states(reader) == {"retrying": 4, "waiting": 0, "dead": 0}
    await newer.adopt_held()
    await consume(newer, third, noted(page, 4))
    assert [text for text, late in await notes(reader) if not late] == ["1", "2", "3", "1", "4"]
    assert await states(reader) == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_they_are_kept_too_if_all_services_share_one_user_of_the_broker(
    reader: Place,
) -> None:
    older = version(reader, ERASED, shared_user="board")
    ours, foreign = (
        replace(noted(uuid4(), 1), user_id=user, message_id=str(uuid4()))
        for user in ("board", "stranger")
    )
    await consume(older, ours, foreign)
    assert await states(reader) == {"retrying": 1, "waiting": 0, "dead": 1}


async def test_a_future_version_of_an_event_is_kept_too(reader: Place) -> None:
    consumer = version(reader, NOTES)
    note = noted(uuid4(), 1)
    await consume(consumer, replace(note, headers={**note.headers, "typeversion": "2"}))
    await consumer.adopt_held()  # this version does not know it either
    assert await notes(reader) == []
    assert await states(reader) == {"retrying": 1, "waiting": 0, "dead": 0}


async def test_adoption_is_repeated_after_a_crash(
    reader: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await consume(version(reader, ERASED), noted(uuid4(), 1))

    async def crash(tx: Tx, id: UUID, *, subscription: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(unreadable, "forget_held", crash)
        with pytest.raises(KeyboardInterrupt):
            await version(reader, ERASED, NOTES).adopt_held()
    await version(reader, ERASED, NOTES).adopt_held()
    assert await notes(reader) == [("1", False)]
    assert (await states(reader))["retrying"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"headers": {"source": "urn:somebody"}},
        {"routing_key": "hirewire.reader"},
        {"user_id": "stranger"},
    ],
    ids=["source", "routing key", "user"],
)
async def test_an_unknown_event_of_an_external_publisher_is_a_dead_letter(
    reader: Place, change: dict[str, object]
) -> None:
    note = noted(uuid4(), 1)
    headers = {**note.headers, "type": "test.made_up"}
    headers |= change.pop("headers", {})  # type: ignore[call-overload]
    strange = replace(
        note,
        **{"headers": headers, "routing_key": "test.made_up", **change},  # type: ignore[arg-type]
    )
    await consume(version(reader, NOTES), strange)
    assert await states(reader) == {"retrying": 0, "waiting": 0, "dead": 1}
