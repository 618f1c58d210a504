"""A person is erased while a projection is being rebuilt."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import erasure
from hirewire.messaging.envelope import Received
from hirewire.messaging.projections.generations import Generation, Projection
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.boards import Boards
from tests.messaging.rebuilding import boards, relay, writer
from tests.messaging.replaying import Writer
from tests.messaging.test_erasure import ANNA, BORIS, SECRET, Left, Written, erase, letter, write

__all__ = ["boards", "relay", "writer"]
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
MANY = 30


class Gate:
    """Holds a handler at its first event about Anna, with the transaction open."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self, person: UUID) -> None:
        if person == ANNA and not self.reached.is_set():
            self.reached.set()
            await self.open.wait()


async def create(tx: Tx, schema: str) -> None:
    await tx.exec_driver_sql(f"create table {schema}.letter (id uuid, person uuid, text text)")


def letters(version: int, gate: Gate | None = None) -> Projection:
    """The letters of people, with their texts."""

    def subscribe(schema: str) -> Sequence[Subscription]:
        async def on_written(tx: Tx, received: Received[Written]) -> None:
            event = received.event
            if gate is not None:
                await gate(event.person)
            row = (str(event.letter), str(event.person), event.text)
            await tx.exec_driver_sql(f"insert into {schema}.letter values ($1, $2, $3)", row)

        async def on_left(tx: Tx, received: Received[Left]) -> None:
            person = received.event.person
            await erasure.mark(tx, str(person), uuid4())
            await tx.exec_driver_sql(f"delete from {schema}.letter where person = $1", (person,))
            await erasure.redact(tx, str(person))

        return [
            on(Written, on_written, name="boards.letters"),
            on(Left, on_left, name="boards.erasure"),
        ]

    return Projection("board", version, create, subscribe)


async def count(boards: Boards, generation: Generation, person: UUID) -> int:
    async with boards.place.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            f"select count(*) from {generation.schema}.letter where person = $1", (person,)
        )
        return int(found.scalar_one())


async def balanced(boards: Boards, generation: Generation) -> bool:
    line = await boards.account(generation)
    return line.adds_up and line.counts["missing"] == 0


@pytest.mark.usefixtures("relay")
async def test_a_person_who_is_erased_during_a_rebuild_is_in_no_generation(
    writer: Writer, boards: Boards
) -> None:
    gate = Gate()
    boards.run(letters(1), letters(2, gate), letters(3))
    one, _ = await boards.start(letters(1))
    for _ in range(MANY):
        await write(writer.place, letter(), letter(BORIS))

    async def has(generation: Generation, person: UUID, number: int) -> None:
        async def there() -> bool:
            return await count(boards, generation, person) == number

        await eventually(there, what=f"{number} letters in {generation.schema}")

    await has(one, BORIS, MANY)
    await has(one, ANNA, MANY)
    two, _ = await boards.start(letters(2, gate))
    await asyncio.wait_for(gate.reached.wait(), 20)
    # The replay has read bodies that are about to be redacted, and a handler has one in its hands.
    assert await erase(writer.place) == MANY
    async with writer.place.transactions("writer")() as tx:
        record(tx, Left(person=ANNA))
        record(tx, letter())  # late: recorded by a request that was in progress
        record(tx, letter(BORIS))
    gate.open.set()
    await boards.caught_up(two)
    for generation in (one, two):
        await has(generation, BORIS, MANY + 1)
        await has(generation, ANNA, 0)
        await eventually(partial(balanced, boards, generation), what="a balanced ledger")
    await boards.switch(two.number)
    three, _ = await boards.start(letters(3))  # from a log that is redacted
    await has(three, BORIS, MANY + 1)
    await boards.caught_up(three)
    assert await count(boards, three, ANNA) == 0
    async with boards.place.engine.connect() as connection:
        for generation in (one, two, three):
            rows = await connection.exec_driver_sql(
                f"select count(*) from {generation.schema}.letter where text = $1 and person <> $2",
                (SECRET, BORIS),
            )
            assert rows.scalar_one() == 0
