"""Classifies exceptions in a handler's transaction."""

import asyncio

import asyncpg
from sqlalchemy.exc import DBAPIError


def is_cancelled(error: BaseException) -> bool:
    """Whether this task is being cancelled; a cancellation inside a handler is a failed attempt."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def is_deadlock(error: BaseException) -> bool:
    """Whether two transactions conflicted, so that a retry may well succeed."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return isinstance(cause, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError))
