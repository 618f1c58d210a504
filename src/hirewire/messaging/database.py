"""Plain connections, and what tells a database that is away from a statement that is wrong."""

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

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
    # Answers to an attempt to connect: no such database, closed to connections, not let in.
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


def is_away(error: BaseException) -> bool:
    """Whether `error` says that the database cannot be used now, whatever is asked of it."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        cause = error.orig.__cause__ if error.orig is not None else None
        return isinstance(cause, _AWAY) and not isinstance(cause, asyncpg.DataError)
    return isinstance(error, (PoolTimeout, *_AWAY))


async def connect(url: str, *, application: str) -> asyncpg.Connection:
    """A connection of one's own (``postgresql://`` or SQLAlchemy URL), outside any pool."""
    plain = make_url(url).set(drivername="postgresql")
    return await asyncpg.connect(
        plain.render_as_string(hide_password=False),
        server_settings={"application_name": application},
        timeout=10,
    )
