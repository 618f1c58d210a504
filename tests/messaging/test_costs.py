"""Performance is counted, not timed: statements and round trips, independent of the machine."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from hirewire.messaging.broker import Message, Outcome
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received
from hirewire.messaging.publishing import pipeline
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.pipeline import CHUNK
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.subscriptions import on_batch
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.builders import counted
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import noted, place_with_notes
from tests.services import NoBroker

__all__ = ["place_with_notes"]


class Taking(NoBroker):
    """Accepts everything, and counts the calls."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.batches.append(len(messages))
        return [Outcome.CONFIRMED] * len(messages)


async def test_a_batch_of_any_size_costs_two_statements(place_with_notes: Place) -> None:
    """One enters and orders the batch, one is the handler's effect."""
    place = place_with_notes

    async def write(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        await tx.exec_driver_sql(
            "insert into note (text) select * from unnest($1::text[])",
            ([one.event.text for one in received],),
        )

    consumer = Consumer(
        service="reader",
        transactions=place.transactions("reader"),
        broker=NoBroker(),
        subscriptions=[on_batch(Noted, write, name="reader.notes")],
    )
    for size in (1, 50, 500):
        batch = [noted(uuid4(), str(n), 1) for n in range(size)]
        with counted(place.engine) as statements:
            await consume(consumer, *batch)
        assert len(statements) == 2, statements


async def test_recording_costs_one_statement_for_any_number_of_events(place: Place) -> None:
    for number in (1, 2, 100):
        with counted(place.engine) as statements:
            async with place.transactions()() as tx:
                for n in range(number):
                    record(tx, Noted(page=uuid4(), text=str(n)))
        assert len(statements) == 1, statements


async def test_a_relay_reads_once_and_marks_at_most_once_a_chunk(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the step would take so long that it reads again, for what came meanwhile.
    monkeypatch.setattr(pipeline, "MOST_PAUSE_SECONDS", 60.0)
    async with place.transactions()() as tx:
        for n in range(3 * CHUNK):
            record(tx, Noted(page=uuid4(), text=str(n)))
    broker = Taking()
    relay = Relay(service="writer", database_url=place.url, broker=broker)
    await relay._lead()
    assert relay._session is not None
    queries: list[str] = []
    relay._session.connection.add_query_logger(
        lambda logged: queries.append(logged.query) if "messaging." in logged.query else None
    )
    await relay.step()
    await relay.close()
    assert broker.batches == [CHUNK] * 3
    assert sum("lateral" in query for query in queries) == 1
    marking = sum("delete from messaging.outbox" in query for query in queries)
    assert 1 <= marking <= 3
    assert len(queries) == marking + 3, queries  # and a check for barriers and requests
