"""A writer whose events fill a projection, and the service that has the projection."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from hirewire.messaging.broker import Broker, open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.projections import dropping, generations, switching
from hirewire.messaging.projections.generations import Generation, Projection
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.replaying import Writer


async def create(tx: Tx, schema: str) -> None:
    await tx.exec_driver_sql(
        f"create table {schema}.line (n bigint generated always as identity, page text, text text)"
    )
    await tx.exec_driver_sql(f"create table {schema}.page (page text primary key, lines int)")


def board(
    version: int = 1,
    *,
    refuses: Callable[[str], bool] = lambda _: False,
    name: str = "board",
) -> Projection:
    """The lines of pages, and their number; from version 2 on in capitals."""

    def subscribe(schema: str) -> Sequence[Subscription]:
        async def note(tx: Tx, received: Received[Noted]) -> None:
            text = received.event.text
            if refuses(text):
                raise ValueError(f"refused: {text}")
            shown = text.upper() if version > 1 else text
            shown += " late" if received.late else ""
            await tx.exec_driver_sql(
                f"insert into {schema}.line (page, text) values ($1, $2)", (received.key, shown)
            )
            await tx.exec_driver_sql(
                f"insert into {schema}.page values ($1, 1) "
                "on conflict (page) do update set lines = page.lines + 1",
                (received.key,),
            )

        return [on(Noted, note, name=f"boards.{name}_lines")]

    return Projection(name, version, create, subscribe)


@dataclass(frozen=True)
class Operator:
    """The connections of an operator who starts or drops generations."""

    own: asyncpg.Connection
    owner: asyncpg.Connection
    broker: Broker

    def vanish(self) -> None:
        """Lose the connections, as when the process is killed."""
        self.own.terminate()
        self.owner.terminate()


class Boards:
    """The service with the projection."""

    def __init__(self, place: Place, broker_url: str, writer: Writer) -> None:
        self.name = f"b{uuid4().hex[:8]}"
        self.place, self.broker_url, self.writer = place, broker_url, writer
        self.transactions = place.transactions(self.name)
        self.broker = open_broker(broker_url, client=f"{self.name} operator")
        self.running: list[Messaging] = []

    def run(self, *declared: Projection, subscriptions: Sequence[Subscription] = ()) -> Messaging:
        """Run one more replica, of a program with these projections."""
        replica = Messaging(
            service=self.name,
            engine=self.place.engine,
            database_url=self.place.url,
            broker=open_broker(self.broker_url, client=self.name),
            subscriptions=subscriptions,
            projections=declared,
        )
        self.running.append(replica)
        replica.start("worker")
        return replica

    async def kill(self, replica: Messaging) -> None:
        """Kill a replica in the middle of its work."""
        self.running.remove(replica)
        for task in replica._tasks._running:
            task.cancel()
        await asyncio.gather(*replica._tasks._running, return_exceptions=True)
        await replica.broker.close()

    async def introduce(self, operator: "Operator | None" = None) -> None:
        """Do what `migrate` does, for the writer and all generations."""
        async with self.operator() as one:
            by = operator or one
            subscribers = {self.name: by.own}
            await introduce(by.broker, {"writer": by.owner}, [], subscribers=subscribers)

    @asynccontextmanager
    async def operator(self) -> "AsyncIterator[Operator]":
        """An operator with separate connections, which are lost at the end."""
        made = Operator(
            await connect(self.place.url, application="operator"),
            await connect(self.writer.place.url, application="operator"),
            open_broker(self.broker_url, client="operator"),
        )
        try:
            yield made
        finally:
            made.own.terminate()
            made.owner.terminate()
            await made.broker.close()

    async def start(
        self, projection: Projection, *, switch_when_ready: bool = False
    ) -> tuple[Generation, bool]:
        async with self.transactions() as tx:
            started = await generations.start(
                tx, projection, by="tests", switch_when_ready=switch_when_ready
            )
        await self.introduce()
        return started

    async def switch(
        self, number: int | None = None, *, force: bool = False, wait: float = 5
    ) -> Generation:
        found, _ = await switching.switch(
            self.transactions, self.name, "board", number=number, force=force, by="t", wait=wait
        )
        return found

    async def drop(
        self,
        *,
        abandon: bool = False,
        whole: bool = False,
        wait: float = 20,
        operator: "Operator | None" = None,
    ) -> list[int]:
        async with self.operator() as one:
            by = operator or one
            found = await dropping.drop(
                self.transactions,
                self.name,
                "board",
                owners={"writer": by.owner},
                broker=by.broker,
                abandon=abandon,
                whole=whole,
                wait=wait,
            )
        return [one.number for one in found]

    async def generation(self, number: int) -> Generation:
        async with self.transactions() as tx:
            found = await generations.find(tx, number)
        assert found is not None
        return found

    async def lines(self, generation: Generation, page: UUID) -> list[str]:
        async with self.place.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                f"select text from {generation.schema}.line where page = $1 order by n",
                (str(page),),
            )
            return [row.text for row in rows]

    async def expect(self, generation: Generation, page: UUID, *texts: object) -> None:
        """Wait for the last of these lines; there must be exactly these."""
        expected = [str(text) for text in texts]

        async def there() -> bool:
            return len(await self.lines(generation, page)) >= len(expected)

        await eventually(there, what=f"{len(expected)} lines of {generation.schema}")
        found = await self.lines(generation, page)
        assert found == expected, (len(found), len(expected), found)

    async def has_caught_up(self, generation: Generation) -> bool:
        return not (await self.generation(generation.number)).past_to_come

    async def caught_up(self, generation: Generation) -> None:
        await eventually(lambda: self.has_caught_up(generation), what="the past came through")

    async def read(self) -> int:
        """The number of lines that a reader of the projection sees."""
        async with self.transactions() as tx:
            schema = (await generations.live(tx, "board")).schema
            rows = await tx.exec_driver_sql(f"select coalesce(sum(lines), 0) from {schema}.page")
            return int(rows.scalar_one())

    async def account(self, generation: Generation) -> audit.Line:
        """The audit's line for a generation, as if a barrier had passed."""
        events = await self.writer.log()
        queue = generation.topology(self.name).queue
        async with self.transactions() as tx:
            found = await audit.states_of_generation(tx, generation, queue, events)
        subscriber = generation.subscriber(self.name)
        account = audit.Ledger()
        account.expect([audit.Expected(id, type, [subscriber]) for id, type in events.items()])
        account.enter(subscriber, events, found, behind_barrier=True)
        return account.lines[subscriber]

    async def close(self) -> None:
        while self.running:
            await self.running.pop().stop()
        await self.broker.close()
