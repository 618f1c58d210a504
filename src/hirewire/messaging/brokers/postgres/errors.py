"""Database errors, translated to the errors of the broker protocol."""

import asyncpg

from hirewire.messaging.background import describe
from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable
from hirewire.messaging.database import is_away
from hirewire.messaging.locks import SessionShared

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""Errors after which a connection cannot be used."""


def translated(error: BaseException) -> BaseException:
    """The broker's error for this one, or the same error if it is unrelated to the broker."""
    if isinstance(error, (asyncpg.InsufficientPrivilegeError, SessionShared)):
        return BrokerMisconfigured(describe(error))
    if isinstance(error, BrokerUnavailable) or not (
        is_away(error)
        or isinstance(
            error,
            (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.PostgresError),
        )
    ):
        return error
    return BrokerUnavailable(describe(error))
