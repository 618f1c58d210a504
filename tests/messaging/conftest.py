"""A database with messaging's tables only, and the events of these tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import make_engine
from hirewire.messaging.event import Event
from hirewire.messaging.transaction import Transactions
from tests.services import copy_of_migrated


class Noted(Event, name="test.noted", owner="writer", key="page"):
    """A note was made on a page."""

    page: UUID
    text: str = ""


class Erased(Event, name="test.erased", owner="writer", key="page"):
    """A page was erased."""

    page: UUID


@dataclass(frozen=True)
class Place:
    """A service's database."""

    url: str
    engine: AsyncEngine

    def transactions(self, owner: str = "writer") -> Transactions:
        """Its transactions, for a service of this name."""
        return Transactions(self.engine, owner)


@pytest.fixture
async def new_place(
    fresh_address: str,
) -> AsyncIterator[Callable[[], Awaitable[Place]]]:
    """A factory of databases with messaging's tables."""
    engines: list[AsyncEngine] = []
    made = count(1)

    async def make() -> Place:
        name = f"{make_url(fresh_address).database}_place{next(made)}"
        url = make_url(fresh_address).set(database=name).render_as_string(hide_password=False)
        await copy_of_migrated(url, None)
        engine = make_engine(url, pool=30)
        engines.append(engine)
        return Place(url, engine)

    yield make
    for engine in engines:
        await engine.dispose()


@pytest.fixture
async def place(new_place: Callable[[], Awaitable[Place]]) -> Place:
    """One such database."""
    return await new_place()
