"""Handlers that are added, removed and renamed: the audit expects what they could have handled."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.consuming import handlers
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Received
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.testing import consume, delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Noted, Place
from tests.services import NoBroker


async def nothing(tx: Tx, received: Received[Noted]) -> None:
    """A handler without an effect."""


async def broken(tx: Tx, received: Received[Noted]) -> None:
    """A handler that fails."""
    raise ValueError("broken")


FIRST, SECOND, RENAMED = (on(Noted, nothing, name=f"reader.{n}") for n in ("a", "b", "c"))
BROKEN = on(Noted, broken, name="reader.a")


class Service:
    """A service whose handlers change from one version to the next."""

    def __init__(self, place: Place) -> None:
        self.transactions = place.transactions("reader")
        self.handlers: Sequence[Subscription] = ()

    async def become(self, *subscriptions: Subscription, queue: str = "hirewire.reader") -> None:
        self.handlers = subscriptions
        async with self.transactions() as tx:
            await handlers.register(tx, queue, subscriptions)

    async def consume(self) -> UUID:
        consumer = Consumer(
            service="reader",
            transactions=self.transactions,
            broker=NoBroker(),
            subscriptions=self.handlers,
        )
        id = uuid4()
        await consume(consumer, delivery(Noted(page=uuid4()), id=id))
        return id

    async def state(self, id: UUID) -> str:
        async with self.transactions() as tx:
            [found] = await audit.states_of(tx, self.handlers, {id: Noted.name})
        return found.state


@pytest.fixture
def service(place: Place) -> Service:
    return Service(place)


async def test_earlier_events_are_not_missing_for_a_second_handler(service: Service) -> None:
    await service.become(FIRST)
    before = await service.consume()
    await service.become(FIRST, SECOND)
    assert await service.state(before) == "handled"
    assert await service.state(await service.consume()) == "handled"
    assert await service.state(uuid4()) == "missing"


async def test_an_event_recorded_after_a_handler_was_added_is_missing(service: Service) -> None:
    await service.become(FIRST, SECOND)
    id = await service.consume()
    async with service.transactions() as tx:
        await tx.exec_driver_sql("delete from messaging.inbox where subscription = 'reader.b'")
    assert await service.state(id) == "missing"


async def test_what_a_renamed_handler_has_handled_is_handled(service: Service) -> None:
    await service.become(FIRST)
    id = await service.consume()
    await service.become(RENAMED)
    assert await service.state(id) == "handled"
    assert await service.state(uuid4()) == "missing"


async def test_what_a_removed_handler_has_left_dead_stays_dead(service: Service) -> None:
    await service.become(BROKEN, SECOND)
    id = await service.consume()
    async with service.transactions() as tx:
        await tx.exec_driver_sql("update messaging.open_message set state = 'dead'")
    await service.become(SECOND)
    assert await service.state(id) == "dead"


async def test_a_returning_handler_misses_no_events_of_the_time_between(
    service: Service,
) -> None:
    await service.become(FIRST, SECOND)
    await service.become(FIRST)
    between = await service.consume()
    await service.become(FIRST, SECOND)
    assert await service.state(between) == "handled"


async def test_one_more_partition_changes_nothing_for_a_handler(service: Service) -> None:
    await service.become(FIRST, SECOND, queue="hirewire.reader.p0")
    id = await service.consume()
    await service.become(FIRST, SECOND, queue="hirewire.reader.p1")
    async with service.transactions() as tx:
        await tx.exec_driver_sql("delete from messaging.inbox where subscription = 'reader.b'")
    assert await service.state(id) == "missing"


async def test_an_unreadable_event_without_a_handler_is_dead(service: Service) -> None:
    await service.become(FIRST)
    consumer = Consumer(
        service="reader",
        transactions=service.transactions,
        broker=NoBroker(),
        subscriptions=service.handlers,
    )
    id = uuid4()
    whole = delivery(Noted(page=uuid4()), id=id)
    whole.body = b"{}"
    await consume(consumer, whole)
    assert await service.state(id) == "dead"
    service.handlers = ()
    assert await service.state(id) == "dead"
