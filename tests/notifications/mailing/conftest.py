"""Mails about notices: their times, and what is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from hirewire.contracts.auth import UserEmailVerified, UserLocaleChanged
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Letter
from hirewire.kit.mail.mailer import Mailer
from hirewire.kit.mail.queue import Ending
from hirewire.kit.settings import Settings
from hirewire.notifications import planning
from hirewire.notifications.app import SERVICE
from hirewire.notifications.mailing import background, commands
from tests.notifications.conftest import Board
from tests.smtp import MailServer, mail_server

MOSCOW = "Europe/Moscow"


class Clock:
    """The time for plans and mails."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment

    def at(self, text: str) -> None:
        self.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (planning, commands, queue):
        monkeypatch.setattr(module, "now", made.now)
    return made


@pytest.fixture
async def known(board: Board) -> Board:
    """Everybody's address is verified; Anna reads Russian in Moscow."""
    await board.consume(
        *(UserEmailVerified(user_id=one, at=now()) for one in (board.anna, board.carla, board.dan)),
        UserLocaleChanged(user_id=board.anna, language="ru", time_zone=MOSCOW, at=now()),
    )
    await mails(board)
    return board


async def queued(board: Board) -> None:
    """Queue all that is due."""
    while await background.queue_step(board.service.messaging.transactions):
        pass


async def mails(board: Board) -> dict[str, list[Letter]]:
    """What is due now, sent: the letters to each address."""
    await queued(board)
    found: dict[str, list[Letter]] = {}
    async with board.service.messaging.transactions() as tx:
        claimed = await queue.claim(tx, 1000)
        letters = await background.compose(tx, claimed)
        ended = [Ending(one, "sent" if one.id in letters else "expired") for one in claimed]
        await queue.end_all(tx, ended)
    for letter in letters.values():
        assert letter is not None
        found.setdefault(letter.to, []).append(letter)
    return found


async def subjects(board: Board, of: str = "anna") -> list[str]:
    return [one.subject for one in (await mails(board)).get(f"{of}@example.org", [])]


async def has_taken(server: MailServer, count: int) -> bool:
    return len(server.taken) >= count


@asynccontextmanager
async def serving(board: Board) -> AsyncIterator[MailServer]:
    """The service's workers at work, with a mail server."""
    async with mail_server() as server:
        settings = Settings(smtp_url=server.url, public_url="https://jobs.example.org")
        transactions = board.service.messaging.transactions
        mailing = Mailer("notifications", transactions, settings, composers=SERVICE.composers)
        tasks = [
            asyncio.create_task(mailing.run()),
            asyncio.create_task(background.queue_mails(transactions, settings)),
        ]
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
