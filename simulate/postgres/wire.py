"""A client's end of a session, whichever library speaks through it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

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
from simulate.postgres.catalogue import Unknown, find
from simulate.postgres.engine import Database
from simulate.postgres.session import Session

if TYPE_CHECKING:
    from simulate.world import World

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
        self._pending: asyncio.Future[Any] | None = None
        self._terminated: list[Callable[[], None]] = []
        if host is not None:
            world.wires_of(host).append(self)

    async def run(self, sql: str, parameters: Sequence[Any], *, single: bool) -> tuple[Any, str]:
        """Run a statement: what it returned, and its columns."""
        try:
            known = find(sql)
        except Unknown as error:
            self.world.fatal = str(error)
            raise
        session = self.session
        result = await self.ask(
            known.name,
            lambda answer: session.execute(known.body, parameters, answer, single=single),
        )
        if type(result) is list:
            return [known.make(row) for row in result], known.columns
        return result, ""

    def write(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a statement in no time."""
        if self.lost or self.world.over:
            raise asyncpg.InterfaceError("connection is closed")
        if not self.session.alive:
            raise gone()
        answers: list[object] = []
        self.session.execute(
            find(sql).body, parameters, lambda value, _: answers.append(value), single=False
        )
        if isinstance(answers[0], Exception):
            raise answers[0]

    async def finish(self, *, commit: bool) -> bool:
        """COMMIT or ROLLBACK. False: the server answered a COMMIT by ROLLBACK."""
        session = self.session
        return bool(
            await self.ask(
                "commit" if commit else "rollback",
                lambda answer: answer(session.finish(commit=commit), True),
            )
        )

    async def ask(
        self, label: str, work: Callable[[Callable[[object, bool], None]], None]
    ) -> object:
        """Send a request and wait for its answer."""
        world = self.world
        if self.lost or world.over:
            raise asyncpg.InterfaceError("connection is closed")
        future = self._pending = world.loop.create_future()
        cut = world.cut_at(self.host, label)
        if cut == "before":
            world.loop.happen(world.delay(self.host), self.session.terminate)
        else:
            world.loop.happen(world.delay(self.host), self._arrive, future, work, label, cut)
        try:
            return await future
        except asyncio.CancelledError:
            self.cut()
            raise
        finally:
            self._pending = None

    def _arrive(
        self,
        future: "asyncio.Future[Any]",
        work: Callable[[Callable[[object, bool], None]], None],
        label: str,
        cut: str | None,
    ) -> None:
        if not self.session.alive:
            _fail(future, gone())
            return

        def answer(value: object, good: bool) -> None:
            if cut == "after":
                self.session.end()
            elif label == "commit":
                self.world.loop.happen(self.world.delay(self.host), _settle, future, value, good)
            else:
                _settle(future, value, good)

        work(answer)

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


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _settle(future: "asyncio.Future[Any]", value: object, good: bool) -> None:
    if future.done():
        return
    if good:
        future.set_result(value)
    else:
        assert isinstance(value, BaseException)
        future.set_exception(value)


async def open_wire(world: "World", db: Database) -> Wire:
    """Connect; refused while the database is down."""
    host = HOST.get()
    if world.over:
        raise ConnectionRefusedError("the world is over")
    await asyncio.sleep(world.delay(host))
    if not db.up:
        raise ConnectionRefusedError("connection refused")
    return Wire(world, db, host)
