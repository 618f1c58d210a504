"""The client's end of a session, for either library."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from simulate.loop import HOST, Host
from simulate.postgres import (  # noqa: F401
    claiming,
    consuming,
    own,
    publishing,
    reconciling,
    requests,
    sessions,
)
from simulate.postgres.catalogue import STATEMENTS, Statement, Unknown, find
from simulate.postgres.engine import Database
from simulate.postgres.session import Running, Session

if TYPE_CHECKING:
    from simulate.world import World

Work: TypeAlias = Callable[[Callable[[object, bool], None]], None]
"""What a request makes the server do; it gets the function that takes the response."""

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
    """The error that asyncpg raises when a connection breaks during a statement."""
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Wire:
    """The client's end of a session: requests and responses arrive with a delay, or never."""

    def __init__(self, world: "World", db: Database, host: Host | None) -> None:
        self.world = world
        self.host = host
        self.session = Session(db, self._ended)
        self.lost = False
        """Whether the client knows that the connection is lost."""
        self.driver: Any = None
        """The driver's connection, if it was asked for."""
        self._pending: asyncio.Future[Any] | None = None
        self._terminated: list[Callable[[], None]] = []
        if host is not None:
            world.wires_of(host).append(self)

    async def run(self, sql: str, parameters: Sequence[Any], *, single: bool) -> Any:
        """Run a statement; returns its rows, or the number of changed rows."""
        known = STATEMENTS.get(sql) or self._find(sql)
        session = self.session
        request = self._request(known.name)
        if request is None:
            if not session.alive:
                raise gone()
            result = session.execute(known.body, parameters, single=single)
            if type(result) is Running:
                request = _Request(self, known.name, None)
                result.answer = request.answer
        else:
            request.work = lambda answer: session.submit(
                known.body, parameters, answer, single=single
            )
        if request is not None:
            result = await self._answer(request)
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
        """Run a statement without latency."""
        if self.lost or self.world.over:
            raise asyncpg.InterfaceError("connection is closed")
        if not self.session.alive:
            raise gone()
        result = self.session.execute(find(sql).body, parameters, single=False)
        assert type(result) is not Running, "it would have to wait"

    def ends_at_once(self, *, commit: bool) -> bool:
        """End a transaction that has done nothing, without a request; False for any other."""
        session = self.session
        idle = session.transaction is None or session.transaction.idle
        return idle and session.alive and not self.lost and session.finish(commit=commit)

    async def finish(self, *, commit: bool) -> bool:
        """COMMIT or ROLLBACK. False: the server's response to COMMIT was ROLLBACK."""
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
        """Send a request and wait for its response."""
        request = self._request(label)
        if request is None:
            request = _Request(self, label, None)
            request.work = work
            request.arrive()
        else:
            request.work = work
        return await self._answer(request)

    def _request(self, label: str) -> "_Request | None":
        """Send a request whose work is set later. None if it has already arrived."""
        world, host = self.world, self.host
        if self.lost or world.over:
            raise asyncpg.InterfaceError("connection is closed")
        cut = world.cut_at(host, label)
        delay = world.delay(host)
        if cut is None and world.loop.pass_at_once(delay):
            return None
        request = _Request(self, label, cut)
        arrive = self.session.terminate if cut == "before" else request.arrive
        world.loop.happen(delay, arrive)
        return request

    async def _answer(self, request: "_Request") -> Any:
        future = self._pending = request.future
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
            _resolve(self._pending, gone(), False)
        if self.host is None or self.host.alive:
            for callback in self._terminated:
                callback()

    def cut(self) -> None:
        """Drop the connection on the client's side; the server notices a moment later."""
        if not self.lost:
            self.lost = True
            self.world.loop.happen(self.world.delay(self.host), self.session.terminate)


class _Request:
    """A request on its way to the server, and its response on the way back."""

    __slots__ = ("cut", "future", "label", "wire", "work")

    def __init__(self, wire: Wire, label: str, cut: str | None) -> None:
        self.wire = wire
        self.work: Work
        self.label = label
        self.cut = cut
        self.future = wire.world.loop.create_future()

    def arrive(self) -> None:
        """The request arrives at the server."""
        if self.wire.session.alive:
            self.work(self.answer)
        else:
            _resolve(self.future, gone(), False)

    def answer(self, value: object, good: bool) -> None:
        """The server has completed the request."""
        world, wire = self.wire.world, self.wire
        if self.cut == "after":
            wire.session.end()
        elif self.label == "commit":
            delay = world.delay(wire.host)
            if not world.loop.pass_at_once(delay):
                world.loop.happen(delay, _resolve, self.future, value, good)
                return
            _resolve(self.future, value, good)
        else:
            _resolve(self.future, value, good)


def _resolve(future: "asyncio.Future[Any]", value: Any, good: bool) -> None:
    if future.done():
        return
    if good:
        future.set_result(value)
    else:
        future.set_exception(value)


async def open_wire(world: "World", db: Database) -> Wire:
    """Connect; refused while the database is down."""
    host = HOST.get()
    if world.over:
        raise ConnectionRefusedError("the world is over")
    await world.loop.pause(world.delay(host))
    if not db.up:
        raise ConnectionRefusedError("connection refused")
    return Wire(world, db, host)
