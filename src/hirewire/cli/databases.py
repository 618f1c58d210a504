"""Shared by the commands that work in the databases of services."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from hirewire.cli.terminal import run_async
from hirewire.kit.db import make_engine
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions, Tx

T = TypeVar("T")


@asynccontextmanager
async def database_of(
    settings: Settings, service: str, *, application: str
) -> AsyncIterator[Transactions]:
    """The transactions of a service, as long as the context lasts."""
    engine = make_engine(settings.service_database(service), pool=2, application=application)
    try:
        yield Transactions(engine, service)
    finally:
        await engine.dispose()


def in_each(
    settings: Settings,
    services: Iterable[str],
    work: Callable[[Tx], Awaitable[T]],
    *,
    application: str,
) -> dict[str, T]:
    """Run `work` in a transaction of each of these services' databases, one after the other."""

    async def in_all() -> dict[str, T]:
        answers: dict[str, T] = {}
        for name in services:
            async with (
                database_of(settings, name, application=application) as transactions,
                transactions() as tx,
            ):
                answers[name] = await work(tx)
        return answers

    return run_async(in_all())
