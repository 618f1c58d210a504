"""The connection that `asyncpg.connect` returns, over a simulated session."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from hirewire.messaging import database
from simulate.postgres.rows import RowBase
from simulate.postgres.wire import Wire


class _Protocol:
    """The protocol object of asyncpg: COMMIT and ROLLBACK go through it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def query(self, text: str, timeout: float | None) -> str:
        """Send a statement; returns the server's status."""
        commit = text == "COMMIT;"
        done = await self._wire.finish(commit=commit)
        return "COMMIT" if commit and done else "ROLLBACK"

    async def bind(self, sql: str, parameters: Sequence[Any]) -> str:
        """Execute a statement with parameters; returns the server's status."""
        return f"DONE {await self._wire.run(sql, parameters, single=False)}"

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._wire.session.transaction is not None

    def is_connected(self) -> bool:
        """Whether the connection is not known to be lost."""
        return not self._wire.lost


class _Checked(database.CheckedConnection):
    """The core's own class of connections, without a network."""

    __slots__ = ()

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Execute a statement; its parameters need no codecs here."""
        if args:
            status: str = await self._protocol.bind(query, args)  # type: ignore[attr-defined]
            return status
        return await super().execute(query, timeout=timeout)

    def __del__(self) -> None:
        pass


def driver_of(wire: Wire) -> _Checked:
    """The connection that ends a transaction: the core checks what COMMIT returns there."""
    made = _Checked.__new__(_Checked)
    for name, value in (
        ("_protocol", _Protocol(wire)),
        ("_aborted", False),
        ("_query_loggers", ()),
    ):
        setattr(made, name, value)
    return made


class Connection:
    """The part of asyncpg's connection that the core uses."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._driver = driver_of(wire)
        self._open = 0

    async def fetch(self, sql: str, *parameters: Any) -> list[RowBase]:
        """All rows."""
        rows = await self._wire.run(sql, parameters, single=not self._open)
        return rows if isinstance(rows, list) else []

    async def fetchrow(self, sql: str, *parameters: Any) -> RowBase | None:
        """The first row."""
        rows = await self.fetch(sql, *parameters)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        rows = await self.fetch(sql, *parameters)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *parameters: Any) -> str:
        """The status line."""
        result = await self._wire.run(sql, parameters, single=not self._open)
        number = len(result) if isinstance(result, list) else result
        return f"{sql.split(None, 1)[0].upper()} {number}"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction; the core does not nest these."""
        self._open += 1
        try:
            yield
        except BaseException:
            self._open -= 1
            if not self._wire.lost:
                await self._driver.execute("ROLLBACK;")
            raise
        self._open -= 1
        await self._driver.execute("COMMIT;")

    def get_server_pid(self) -> int:
        """The id of the server process."""
        return self._wire.session.pid

    def is_closed(self) -> bool:
        """Whether it is known to be closed."""
        return self._wire.lost

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._open)

    async def add_listener(self, channel: str, callback: Callable[..., Any]) -> None:
        """LISTEN."""
        wire, db = self._wire, self._wire.session.db
        host = wire.host

        def notify() -> None:
            if not wire.lost and (host is None or host.alive):
                callback(self, 1, channel, "")

        db.subscribers.setdefault(channel, []).append(notify)

    def add_termination_listener(self, callback: Callable[..., Any]) -> None:
        """Call this when the connection ends."""
        self._wire._terminated.append(lambda: callback(self))

    def remove_termination_listener(self, callback: Callable[..., Any]) -> None:
        """Remove such a callback."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Close it."""
        self._wire.cut()

    def terminate(self) -> None:
        """Close it without waiting."""
        self._wire.cut()
