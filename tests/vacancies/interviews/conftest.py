"""A company with two employers, and a candidate who has applied."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from hirewire.kit.clock import now
from hirewire.messaging.testing import recorded
from tests.vacancies.applications.conftest import Board, board
from tests.vacancies.conftest import Person

__all__ = ["board"]


def local(days: int, hour: int = 10) -> dict[str, object]:
    """A time in UTC some days ahead."""
    day = (now() + timedelta(days=days)).date()
    return {"local": f"{day}T{hour:02}:00"}


def start(days: int, hour: int = 10) -> datetime:
    """The same as a moment."""
    day = (now() + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@dataclass
class Meeting:
    """`boss` and `colleague` hire, and `vera` has applied."""

    board: Board
    colleague: Person
    application: str

    @property
    def boss(self) -> Person:
        """Who proposes."""
        return self.board.boss

    @property
    def vera(self) -> Person:
        """Who chooses."""
        return self.board.vera

    def proposal(self, **changes: Any) -> dict[str, Any]:
        """Two times, on the next two days."""
        return {
            "slots": [local(2), local(3)],
            "timeZone": "UTC",
            "minutes": 45,
            "place": "Main street 1",
            "note": "Ring twice",
        } | changes

    async def propose(self, expect: int = 201, **changes: Any) -> Any:
        """The boss proposes."""
        path = f"/applications/{self.application}/interviews"
        return await self.boss.call("POST", path, self.proposal(**changes), expect=expect)

    async def act(
        self, person: Person, interview: Any, act: str, expect: int = 200, **more: Any
    ) -> Any:
        """Somebody does something with the interview as they have seen it."""
        body = {"version": interview["version"]} | more
        path = f"/interviews/{interview['id']}/{act}"
        return await person.call("POST", path, body, expect=expect)

    async def choose(self, interview: Any, nth: int = 0, expect: int = 200) -> Any:
        """Vera chooses one of the times."""
        slot = interview["slots"][nth]
        return await self.act(self.vera, interview, "choose", expect, start=slot)

    async def agreed(self, **changes: Any) -> Any:
        """An interview with the first of its times chosen."""
        return await self.choose(await self.propose(**changes))

    async def published(self) -> list[tuple[str, dict[str, Any]]]:
        """The recorded events about interviews."""
        rows = await recorded(self.boss.service.engine)
        return [(row.type, row.body) for row in rows if row.type.startswith("interview.")]


@pytest.fixture
async def meeting(board: Board) -> Meeting:
    colleague = Person(board.boss.service, uuid4())
    async with board.boss.service.engine.begin() as tx:
        await tx.execute(
            text(
                "insert into employer_profile (user_id, company_id, created_at) "
                "select :id, company_id, now() from employer_profile where user_id = :boss"
            ),
            {"id": colleague.id, "boss": board.boss.id},
        )
    return Meeting(board, colleague, (await board.apply())["id"])
