"""A publishing service and its consumers, all real, and the model that they must agree with."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import make_engine
from hirewire.messaging import requests
from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import connect
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.reconciliation.audit import Ledger
from hirewire.messaging.transaction import Transactions, Tx
from tests.model.broker import FaultyBroker
from tests.model.events import TYPES, Log, Recorded, Wiped, Written
from tests.model.reader import TABLE, Reader
from tests.services import copy_of_migrated

NOTHING = UUID(int=0)
ROUNDS = 200
"""The number of rounds within which everything must come to rest without faults."""

_EMPTY_TABLES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('messaging', 'public') and c.relkind in ('r', 'p') and not c.relispartition
"""
_LATER = "update messaging.outbox set next_attempt_at = now() where next_attempt_at is not null"
_UNCLAIMED = "update messaging.open_message set next_attempt_at = now() where state = 'retrying'"
_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""
_SESSIONS = """
select count(pg_terminate_backend(pid, 1000)) from pg_stat_activity
where datname = current_database() and application_name = 'writer relay'
"""


@dataclass
class Databases:
    """The databases of the services, created once and emptied for each history."""

    urls: dict[str, str] = field(default_factory=dict)
    engines: dict[str, AsyncEngine] = field(default_factory=dict)
    _tables: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    async def make(cls, server: str) -> "Databases":
        """Create databases for one writer and two readers."""
        made, prefix = cls(), f"m{uuid4().hex[:12]}"
        for name in ("writer", "reader", "newcomer"):
            url = make_url(server).set(database=f"{prefix}_{name}")
            text = url.render_as_string(hide_password=False)
            await copy_of_migrated(text, None)
            made.urls[name], made.engines[name] = text, make_engine(text)
            connection = await connect(text, application="model")
            await connection.execute(TABLE)
            tables = [row[0] for row in await connection.fetch(_EMPTY_TABLES)]
            made._tables[name] = [
                table
                for table in tables
                if not await connection.fetchval(f"select exists (select from {table})")
            ]
            await connection.close()
        return made

    async def empty(self) -> None:
        """Empty all tables that were empty at first."""
        for name, engine in self.engines.items():
            async with engine.begin() as connection:
                for table in self._tables[name]:
                    await connection.exec_driver_sql(f"delete from {table}")

    async def dispose(self) -> None:
        """Close all connections."""
        for engine in self.engines.values():
            await engine.dispose()


@dataclass(eq=False)
class OpenTransaction:
    """A transaction of the writer that is not committed yet."""

    stack: AsyncExitStack
    tx: Tx
    events: list[Recorded]


class World:
    """All services of one history."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.broker = FaultyBroker()
        self.log = Log()
        self.pages = [UUID(int=n) for n in range(1, 4)]
        self.writer = Transactions(databases.engines["writer"], "writer")
        self.relays = [self._relay(), self._relay()]
        self.reader = Reader("reader", databases.engines["reader"], self.broker)
        self.readers = [self.reader]
        self.transactions: list[OpenTransaction] = []
        self.barriers: dict[UUID, set[UUID]] = {}
        """Requested barriers, with the ids that were committed before."""
        self._checked: set[tuple[UUID, str]] = set()
        self._number = 0

    def _relay(self) -> Relay:
        url = self.databases.urls["writer"]
        return Relay(service="writer", database_url=url, broker=self.broker)

    async def start(self) -> None:
        """Start the writer, and one reader from the very beginning."""
        await self.databases.empty()
        await self._migrate()
        self.reader.start()

    async def stop(self) -> None:
        """Stop everything, finished or not."""
        for open in self.transactions:
            await open.tx.rollback()
            with suppress(Exception):
                await open.stack.aclose()
        for relay in self.relays:
            await relay.close()
        for reader in self.readers:
            while reader.consumers:
                await reader.kill()

    async def _migrate(self) -> None:
        """Do what `hirewire migrate` does: queues, and the list of subscribers."""
        connection = await connect(self.databases.urls["writer"], application="migrate")
        try:
            past = {(r.name, type) for r in self.readers for type in TYPES if r.name == "newcomer"}
            queues = [reader.topology for reader in self.readers]
            await introduce(self.broker, {"writer": connection}, queues, past=past)
        finally:
            await connection.close()

    async def join(self) -> None:
        """Add a second service, which consumes the whole history first."""
        engine = self.databases.engines["newcomer"]
        newcomer = Reader("newcomer", engine, self.broker, history=True)
        self.readers.append(newcomer)
        await self._migrate()
        newcomer.start()

    @property
    def last_number(self) -> int:
        """The number of the event recorded last."""
        return self._number

    async def begin(self) -> None:
        """Open another transaction of the writer."""
        stack = AsyncExitStack()
        tx = await stack.enter_async_context(self.writer())
        self.transactions.append(OpenTransaction(stack, tx, []))

    def record(self, open: OpenTransaction, page: int, wiped: bool) -> None:
        """Record one event in an open transaction."""
        self._number += 1
        kind = Wiped if wiped else Written
        key = self.pages[page]
        id = record(open.tx, kind(page=key, number=self._number))
        open.events.append(Recorded(self._number, kind.name, key, id))

    async def commit(self, open: OpenTransaction) -> None:
        """Commit; from now on the model expects its events."""
        self.transactions.remove(open)
        await open.stack.aclose()
        for event in open.events:
            self.log.add(event)

    async def roll_back(self, open: OpenTransaction) -> None:
        """Roll back; none of its events may ever be seen."""
        self.transactions.remove(open)
        error = ZeroDivisionError("rolled back")
        with suppress(ZeroDivisionError):
            await open.stack.__aexit__(ZeroDivisionError, error, None)

    async def relay(self, which: int, steps: int) -> None:
        """Let one replica of the relay work; external faults are not its errors."""
        for _ in range(steps):
            with suppress(
                BrokerUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError
            ):
                await self.relays[which].step()
        self.broker.calm()

    async def freeze_leader(self, which: int, *, taken: int | None) -> None:
        """One relay freezes while publishing and loses its session; the other takes over.

        Then the messages of the first one are sent nevertheless.
        """
        self.broker.gate = gate = asyncio.Event()
        self.broker.held.clear()
        step = asyncio.create_task(self.relay(which, 1))
        held = asyncio.create_task(self.broker.held.wait())
        await asyncio.wait({step, held}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        self.broker.gate = None
        if self.broker.held.is_set():
            await self.end_relay_sessions()
            await self.relay(1 - which, 2)
            self.broker.breaks_after = taken
            gate.set()
        await step

    async def end_relay_sessions(self) -> None:
        """Close the relays' database connections on the server."""
        async with self.databases.engines["writer"].connect() as connection:
            await connection.exec_driver_sql(_SESSIONS)

    async def let_time_pass(self) -> None:
        """Make everything due that waits for its time."""
        async with self.databases.engines["writer"].begin() as connection:
            await connection.exec_driver_sql(_LATER)
        for reader in self.readers:
            async with reader.engine.begin() as connection:
                await connection.exec_driver_sql(_UNCLAIMED)

    async def ask_barrier(self) -> None:
        """Request a barrier after all events committed so far."""
        async with self.writer() as tx:
            self.barriers[await barriers.ask(tx)] = self.log.ids

    async def replay(
        self, reader: Reader, types: tuple[str, ...], *, cutover: bool, **more: str
    ) -> None:
        """Request a replay to one reader; `more` holds further parameters, such as one key."""
        asked: dict[str, object] = {"to": reader.name, "types": list(types), **more}
        if cutover:
            asked["handover"] = True
        async with self.writer() as tx:
            await requests.ask(tx, "replay", asked, by="model", again=False)

    async def replay_dead(self, reader: Reader) -> None:
        """Retry all dead letters."""
        async with reader.transactions() as tx:
            await dead_letters.replay(tx)

    async def discard(self, reader: Reader, nth: int) -> None:
        """Discard one dead or retrying message; the model no longer expects it."""
        async with reader.transactions() as tx:
            found = await dead_letters.open_messages(tx, states=("dead", "retrying"))
            if not found:
                return
            one = found[nth % len(found)]
            await dead_letters.discard(tx, one.event_id, why="model", subscription=one.subscription)
        [number] = [
            event.number
            for events in self.log.pages.values()
            for event in events
            if event.id == one.event_id
        ]
        reader.discarded.add((one.subscription, number))

    async def check(self) -> None:
        """Nothing may be duplicated, out of order or without a commit."""
        for reader in self.readers:
            effects = await reader.effects()
            for subscription in reader.subscriptions:
                for page in self.pages:
                    found = effects.get((subscription.name, page), [])
                    numbers = [number for number, _ in found]
                    expected = self.expected(reader, subscription.name, page)
                    where = f"{reader.name} {subscription.name} {page.int}"
                    if subscription.behind_failed == "wait":
                        assert numbers == expected[: len(numbers)], (where, numbers, expected)
                        assert not any(late for _, late in found), (where, found)
                    else:
                        assert len(set(numbers)) == len(numbers), (where, numbers)
                        assert set(numbers) <= set(expected), (where, numbers, expected)

    def expected(self, reader: Reader, name: str, page: UUID) -> list[int]:
        """The events of a key that one handler must handle, in order."""
        [subscription] = [s for s in reader.subscriptions if s.name == name]
        numbers = self.log.of(page, subscription.event.name)
        return [number for number in numbers if (name, number) not in reader.discarded]

    async def check_barriers(self) -> None:
        """Check barriers that have passed.

        Nothing before them may be missing, and each event committed before a barrier was requested
        must be in exactly one state.
        """
        for id, before in list(self.barriers.items()):
            for reader in self.readers:
                if (id, reader.name) in self._checked:
                    continue
                if await self.has_passed(id, reader):
                    await self._audit(id, before, reader)
                    self._checked.add((id, reader.name))

    async def barrier(self, id: UUID) -> barriers.Barrier:
        """A barrier, as the writer has it."""
        async with self.writer() as tx:
            found = await barriers.find(tx, id)
        assert found is not None
        return found

    async def has_passed(self, id: UUID, reader: Reader) -> bool:
        """Whether a barrier has come through a reader's queue."""
        async with reader.transactions() as tx:
            return reader.topology.queue in await barriers.passed_queues(tx, id)

    async def until_through_or_locked(self, task: asyncio.Task[int], reader: Reader) -> None:
        """Return when `task` is done, or one of the reader's transactions waits for another."""
        for _ in range(500):
            if task.done():
                return
            async with reader.engine.connect() as connection:  # each transaction sees one state
                waiting = await connection.exec_driver_sql(_WAITING)
                if waiting.scalar_one():
                    return
            await asyncio.sleep(0.005)
        raise AssertionError("neither done nor waiting for a lock")

    async def _audit(self, id: UUID, before: set[UUID], reader: Reader) -> Ledger:
        async with self.writer() as tx:
            events = await audit.recorded_before(tx, id, since=NOTHING, after=NOTHING, limit=10_000)
        assert before <= {event.id for event in events} <= self.log.ids
        account = Ledger()
        asked = account.expect(events).get(reader.name, {})
        if not asked:
            return account
        async with reader.transactions() as tx:
            found = await audit.states_of(tx, reader.subscriptions, asked)
        account.enter(reader.name, asked, found, behind_barrier=True)
        line = account.lines[reader.name]
        assert line.adds_up, line
        assert not line.missing, (reader.name, line.missing)
        return account

    async def come_to_rest(self) -> None:
        """Without further faults, everything must come to rest, complete and in order."""
        self.broker.let_arrive()
        for reader in self.readers:
            reader.faults.clear()
        while self.transactions:
            await self.commit(self.transactions[0])
        await self.ask_barrier()
        await self._until_at_rest()
        await self.check()
        for reader in self.readers:
            effects = await reader.effects()
            for subscription in reader.subscriptions:
                for page in self.pages:
                    numbers = [n for n, _ in effects.get((subscription.name, page), [])]
                    expected = self.expected(reader, subscription.name, page)
                    where = f"{reader.name} {subscription.name} {page.int}"
                    assert sorted(numbers) == sorted(expected), (where, numbers, expected)
        await self._check_last_audit()

    async def _until_at_rest(self) -> None:
        queues = [reader.topology.queue for reader in self.readers]
        for _ in range(ROUNDS):
            await self.let_time_pass()
            await self.relay(0, 1)
            await self.relay(1, 1)
            for reader in self.readers:
                await self.replay_dead(reader)
                while await reader.consume(3):
                    pass
                while await reader.retry():
                    pass
            if self.broker.waiting(queues) == 0 and await self._is_idle():
                return
        raise AssertionError("never at rest")

    async def _is_idle(self) -> bool:
        async with self.writer() as tx:
            if any(request.state == "open" for request in await requests.latest(tx)):
                return False
            for id in self.barriers:
                found = await barriers.find(tx, id)
                if found is None or found.published_at is None:
                    return False
        for reader in self.readers:
            async with reader.transactions() as tx:
                if any((await dead_letters.counts(tx)).values()):
                    return False
        return True

    async def _check_last_audit(self) -> None:
        """At rest, every event is handled or discarded, according to the audit."""
        last = list(self.barriers)[-1]
        for reader in self.readers:
            account = await self._audit(last, self.log.ids, reader)
            assert account.recorded == len(self.log.ids)
            if (line := account.lines.get(reader.name)) is None:
                assert not self.log.ids
                continue
            given_up = {number for _, number in reader.discarded}
            assert line.expected == len(self.log.ids)
            assert line.counts["discarded"] == len(given_up), line
            assert line.counts["handled"] == line.expected - len(given_up), line
