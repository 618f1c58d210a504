"""Visitors read from a streaming standby while it is near; who is signed in never does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from chaos.postgres import Postgres
from hirewire.kit.standby import Standby
from hirewire.messaging.database import connect
from hirewire.vacancies.app import SERVICE
from tests.builders import eventually
from tests.services import Running, running
from tests.vacancies.conftest import VACANCY, Person


@dataclass
class Board:
    """The service, an employer, and both servers."""

    service: Running
    employer: Person
    primary: Postgres
    standby: Postgres

    async def at_standby(self, statement: str) -> object:
        connection = await connect(self.standby.url(), application="tests")
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def near(self) -> bool:
        standby: Standby = self.service.app.state.standby
        return standby.is_near

    async def far(self) -> bool:
        return not await self.near()

    async def visit(self, id: str) -> httpx.Response:
        return await self.service.client.get(f"/api/vacancies/vacancies/{id}")

    async def title(self, id: str) -> object:
        answer = await self.visit(id)
        assert answer.status_code == 200, answer.text
        return answer.json()["title"]


@pytest.fixture
async def board(scratch: Path) -> AsyncIterator[Board]:
    primary = Postgres(scratch / f"primary-{uuid4().hex[:8]}")
    await primary.start()
    standby = await primary.make_standby(scratch / f"standby-{uuid4().hex[:8]}", primary.port)
    await standby.start()
    try:
        address = primary.url("board")
        async with running(SERVICE, address, read_url=standby.url("board")) as service:
            employer = Person(service, uuid4())
            await employer.hire()
            yield Board(service, employer, primary, standby)
    finally:
        await standby.stop()
        await primary.stop()


async def test_visitors_read_from_a_standby_that_is_near(board: Board) -> None:
    """Paused, killed, back, and promoted: no visitor is refused or sees what is too old."""
    id = await board.employer.vacancy()
    path = f"/vacancies/{id}"
    await board.employer.call("POST", f"{path}/publish")
    await eventually(board.near, within=30)

    async def shown(title: str) -> None:
        async def is_shown() -> bool:
            return await board.title(id) == title

        await eventually(is_shown, within=30)

    await shown(VACANCY["title"])
    # Paused: a visitor sees the old title, who is signed in the new one; soon a visitor, too.
    await board.at_standby("select pg_wal_replay_pause()")
    await eventually(lambda: _is(board, "paused"), within=10)
    await board.employer.call("PATCH", path, {"title": "Paused"})
    assert await board.near()
    assert await board.title(id) == VACANCY["title"]
    assert (await board.employer.call("GET", path))["title"] == "Paused"
    companies = (await board.service.client.get("/api/vacancies/companies?q=Acme")).json()
    assert [one["name"] for one in companies["items"]] == ["Acme"]
    await shown("Paused")
    assert await board.far()
    await board.at_standby("select pg_wal_replay_resume()")
    await eventually(board.near, within=30)
    assert await board.title(id) == "Paused"
    # Killed: the next visitor reads from the primary.
    await board.standby.kill()
    await board.employer.call("PATCH", path, {"title": "Killed"})
    assert await board.title(id) == "Killed"
    assert await board.far()
    # Back.
    await board.standby.start()
    await eventually(board.near, within=60)
    # Promoted: it is another database from now on.
    await board.standby.promote()
    await board.employer.call("PATCH", path, {"title": "Promoted"})
    assert await board.title(id) == "Promoted"
    assert await board.far()


async def _is(board: Board, state: str) -> bool:
    return await board.at_standby("select pg_get_wal_replay_pause_state()") == state
