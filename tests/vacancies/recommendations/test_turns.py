"""While a batch is compared, requests are served: others run between any two of its documents."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.kit import turns
from hirewire.messaging.testing import consume
from hirewire.vacancies.alerts import commands as alerts
from hirewire.vacancies.recommendations import commands
from tests.vacancies.recommendations.boards import PLAIN, Board, board, resume_event

__all__ = ["board"]

DOCUMENTS = 6


class Turns:
    """Notes which documents are compared, and that somebody else ran."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.noted: list[str] = []
        self._patch = patch
        patch.setattr(turns, "TURN_SECONDS", 0.0)

    def note(self, module: Any, name: str) -> None:
        """Note each call of this function."""
        called: Callable[..., Any] = getattr(module, name)

        def noting(*values: Any) -> Any:
            self.noted.append("document")
            return called(*values)

        self._patch.setattr(module, name, noting)

    @asynccontextmanager
    async def beside_others(self) -> AsyncIterator[None]:
        async def other() -> None:
            while True:
                self.noted.append("other")
                await asyncio.sleep(0)

        running = asyncio.create_task(other())
        try:
            yield
        finally:
            running.cancel()

    def are_shared(self) -> bool:
        at = [n for n, one in enumerate(self.noted) if one == "document"]
        between = [self.noted[one:after] for one, after in zip(at, at[1:], strict=False)]
        return len(at) >= DOCUMENTS and all("other" in some for some in between)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(monkeypatch)


async def test_resumes(board: Board, shared: Turns) -> None:
    await board.publish(**PLAIN)
    shared.note(commands, "_vacancies_of")
    events = [resume_event(uuid4(), 1) for _ in range(DOCUMENTS)]
    async with shared.beside_others():
        await consume(board.person.service.messaging.consumer, *events)
    assert shared.are_shared()


@pytest.mark.parametrize(
    ("module", "name", "compare"),
    [
        (commands, "_resumes_of", commands.compare_vacancies),
        (alerts, "_meeting", alerts.meet),
    ],
)
async def test_vacancies(
    board: Board, shared: Turns, module: Any, name: str, compare: Callable[..., Any]
) -> None:
    await board.publish_resume(uuid4(), 1)
    ids = [UUID(await board.publish(**PLAIN)) for _ in range(DOCUMENTS)]
    shared.note(module, name)
    async with shared.beside_others(), board.person.service.messaging.transactions() as tx:
        await compare(tx, ids, {})
    assert shared.are_shared()
