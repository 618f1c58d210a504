"""Plain connections, and whether an error means that the database is unavailable."""

import socket
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hirewire.messaging.servers import open_connection

_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    # Responses to a connection attempt: no such database, not accepting connections, not allowed.
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
_UNUSABLE = (
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Errors of a database that currently cannot execute any statement."""


class DatabaseUnavailable(Exception):
    """The service's own database is unavailable. A later attempt may succeed.

    It concerns a transaction's own connection only: an error of the same class that a handler met
    elsewhere is an ordinary error.
    """


class CommitRefused(Exception):
    """PostgreSQL rolled the transaction back at COMMIT.

    It does so, without an error, if a statement failed before and the error was caught.
    """

    def __init__(self) -> None:
        super().__init__(
            "a statement of the transaction had failed, so that nothing of it was committed; "
            "catch errors of the database outside of a savepoint (tx.begin_nested()) only"
        )


class CheckedConnection(asyncpg.Connection):
    """A connection that checks the result of COMMIT. Raises `CommitRefused` on a rollback."""

    __slots__ = ()

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Execute a statement and return its status, as asyncpg does."""
        status: str = await super().execute(query, *args, timeout=timeout)
        if status == "ROLLBACK" and query.rstrip("; \n").upper() == "COMMIT":
            raise CommitRefused
        return status


def is_away(error: BaseException) -> bool:
    """Whether `error`, of a plain connection, means that the database is unavailable."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        return isinstance(cause_of(error), _AWAY) and not isinstance(
            cause_of(error), asyncpg.DataError
        )
    return isinstance(error, (DatabaseUnavailable, PoolTimeout, *_AWAY))


def is_unusable(error: BaseException, *, closed: bool) -> bool:
    """Whether a connection's own error makes it unusable, or it is `closed`."""
    return closed or isinstance(cause_of(error), _UNUSABLE)


def cause_of(error: BaseException) -> BaseException:
    """The driver's error within SQLAlchemy's, or the error itself."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error.__cause__ if isinstance(error.__cause__, asyncpg.PostgresError) else error


VANISHED_SECONDS = 20
"""Seconds without any response after which a connection counts as lost."""
IDLE_IN_TRANSACTION_SECONDS = 40
"""Longest idle time of a transaction, since a frozen process must not keep its locks."""
_SERVER_SIDE = f"""
select set_config('tcp_keepalives_idle', '10', false),
    set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '2', false),
    set_config('tcp_user_timeout', '{VANISHED_SECONDS}s', false),
    set_config('idle_in_transaction_session_timeout', '{IDLE_IN_TRANSACTION_SECONDS}s', false)
"""
_OWN_SIDE = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 2),
    ("TCP_USER_TIMEOUT", VANISHED_SECONDS * 1000),
)


async def connect(url: str, *, application: str, shared: bool = False) -> asyncpg.Connection:
    """A separate connection (``postgresql://`` or SQLAlchemy URL), outside any pool of ours.

    `shared`: through a pooler in transaction mode, so that it must not change the session.
    """
    connection = await open_connection(
        url, server_settings={"application_name": application}, connection_class=CheckedConnection
    )
    try:
        await notice_vanished_peers(connection, shared=shared)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def notice_vanished_peers(connection: asyncpg.Connection, *, shared: bool = False) -> None:
    """Let both ends of a new connection detect within half a minute that the other host is gone.

    Also ends a transaction whose frozen client does nothing for 40 s. A statement makes the
    settings, since a pooler refuses most of them in the startup message. In a `shared` session the
    pooler's own settings do it.
    """
    if not shared:
        await connection.execute(_SERVER_SIDE, timeout=10)
    own = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    if own is None or own.family == socket.AF_UNIX:
        return
    # A second handle on the same socket, since uvloop's wrapper does not allow setting options.
    with socket.fromfd(own.fileno(), own.family, own.type) as handle:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _OWN_SIDE:
            if (option := getattr(socket, name, None)) is not None:
                with suppress(OSError):
                    handle.setsockopt(socket.IPPROTO_TCP, option, value)
