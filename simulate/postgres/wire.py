"""A client's end of a session, whichever library speaks through it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from simulate.loop import HOST, Host
from simulate.postgres import (  # noqa: F401
    claiming,
    consuming,
    jobs,
    own,
    publishing,
    reconciling,
    sessions,
)
from simulate.postgres.catalogue import STATEMENTS, Statement, Unknown, find
from simulate.postgres.engine import Database
from simulate.postgres.session import Session

if TYPE_CHECKING:
    from simulate.world import World

Work: TypeAlias = Callable[[Callable[[object, bool], None]], None]
"""What a request has the server do; it is given where the answer goes."""

TABLES = [
    "counter",
    "log",
    "outbox",
    "inbox",
    "open_message",
    "progress",
    "suspect",
    "listener",
    "fence",
    "fence_heard",
    "spread",
    "fence_unsent",
    "awaiting",
    "replay_ended",
    "handler",
    "lineage",
    "pause",
    "allowance",
    "job",
    "job_unsent",
    "scheduled",
    "recurring",
    "made",
    "effect",
    "only",
]


def gone() -> asyncpg.PostgresError:
    """What asyncpg raises when a connection breaks under a statement."""
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Wire:
    """A client's end of a session: requests arrive after a while, answers too, or never."""

    def __init__(self, world: "World", db: Database, host: Host | None) -> None:
        self.world = world
        self.host = host
        self.session = Session(db, self._ended)
        self.lost = False
        """The client knows that the connection is no more."""
        self.driver: Any = None
        """The driver's connection, once it was asked for."""
        self._pending: asyncio.Future[Any] | None = None
        self._terminated: list[Callable[[], None]] = []
        if host is not None:
            world.wires_of(host).append(self)

    async def run(self, sql: str, parameters: Sequence[Any], *, single: bool) -> Any:
        """Run a statement: its rows, or how many it has changed."""
        known = STATEMENTS.get(sql) or self._find(sql)
        request = self._send(
            known.name, partial(self.session.execute, known.body, parameters, single)
        )
        result = request.take() if request.there else await self._answer(request)
        if type(result) is list:
            make = known.make
            return [make(row) for row in result]
        return result

    def _find(self, sql: str) -> Statement:
        try:
            return find(sql)
        except Unknown as error:
            self.world.fatal = str(error)
            raise

    def write(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a statement in no time."""
        if self.lost or self.world.over:
            raise asyncpg.InterfaceError("connection is closed")
        if not self.session.alive:
            raise gone()
        answers: list[object] = []
        self.session.execute(
            find(sql).body, parameters, False, lambda value, _: answers.append(value)
        )
        if isinstance(answers[0], Exception):
            raise answers[0]

    def ends_at_once(self, *, commit: bool) -> bool:
        """End a transaction that has done nothing, without a request. False for any other."""
        session = self.session
        idle = session.transaction is None or session.transaction.idle
        return idle and session.alive and not self.lost and session.finish(commit=commit)

    async def finish(self, *, commit: bool) -> bool:
        """COMMIT or ROLLBACK. False: the server answered a COMMIT by ROLLBACK."""
        if self.ends_at_once(commit=commit):
            return True
        session = self.session
        return bool(
            await self.ask(
                "commit" if commit else "rollback",
                lambda answer: answer(session.finish(commit=commit), True),
            )
        )

    async def ask(self, label: str, work: Work) -> Any:
        """Send a request and wait for its answer."""
        request = self._send(label, work)
        return request.take() if request.there else await self._answer(request)

    def _send(self, label: str, work: Work) -> "_Request":
        world, host = self.world, self.host
        if self.lost or world.over:
            raise asyncpg.InterfaceError("connection is closed")
        loop = world.loop
        request = _Request(self, work, label, world.cut_at(host, label))
        delay = world.delay(host)
        if request.cut is None and loop.pass_at_once(delay):
            request.arrive()
            request.there = request.answered and (
                label != "commit" or loop.pass_at_once(world.delay(host))
            )
            if not request.there:
                request.await_answer()
        else:
            request.await_answer()
            arrive = self.session.terminate if request.cut == "before" else request.arrive
            loop.happen(delay, arrive)
        return request

    async def _answer(self, request: "_Request") -> Any:
        future = self._pending = request.future
        assert future is not None
        try:
            return await future
        except asyncio.CancelledError:
            self.cut()
            raise
        finally:
            self._pending = None

    def _ended(self, _: Session) -> None:
        self.world.loop.happen(0.0005, self._notice)

    def _notice(self) -> None:
        self.lost = True
        if self._pending is not None:
            _fail(self._pending, gone())
        if self.host is None or self.host.alive:
            for callback in self._terminated:
                callback()

    def cut(self) -> None:
        """The client drops the connection; the server sees it a moment later."""
        if not self.lost:
            self.lost = True
            self.world.loop.happen(self.world.delay(self.host), self.session.terminate)


class _Request:
    """A request on its way to the server, and its answer, for which somebody may wait."""

    __slots__ = ("answered", "cut", "future", "good", "label", "there", "value", "wire", "work")

    def __init__(self, wire: Wire, work: Work, label: str, cut: str | None) -> None:
        self.wire = wire
        self.work = work
        self.label = label
        self.cut = cut
        self.future: asyncio.Future[Any] | None = None
        self.answered = False
        self.good = False
        self.value: Any = None
        self.there = False
        """Nobody has to wait for it."""

    def take(self) -> Any:
        """What the server has answered."""
        value, self.value = self.value, None
        if self.good:
            return value
        raise value

    def await_answer(self) -> None:
        """From now on a future gets the answer, also one that is there already."""
        self.future = self.wire.world.loop.create_future()
        if self.answered:
            self._send()

    def arrive(self) -> None:
        """The server has it."""
        if self.wire.session.alive:
            self.work(self.answer)
        else:
            self.answer(gone(), False)

    def answer(self, value: object, good: bool) -> None:
        """The server has done it."""
        self.answered, self.good, self.value = True, good, value
        if self.cut == "after":
            self.wire.session.end()
        elif self.future is not None:
            self._send()

    def _send(self) -> None:
        world, wire = self.wire.world, self.wire
        if self.label == "commit":
            world.loop.happen(world.delay(wire.host), self._settle)
        else:
            self._settle()

    def _settle(self) -> None:
        future = self.future
        if future is None or future.done():
            return
        value, self.value = self.value, None
        if self.good:
            future.set_result(value)
        else:
            future.set_exception(value)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


async def open_wire(world: "World", db: Database) -> Wire:
    """Connect; refused while the database is down."""
    host = HOST.get()
    if world.over:
        raise ConnectionRefusedError("the world is over")
    await world.loop.pause(world.delay(host))
    if not db.up:
        raise ConnectionRefusedError("connection refused")
    return Wire(world, db, host)
