"""Mails are sent once their transaction has committed, whatever the server does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.clock import now
from hirewire.kit.db import make_engine
from hirewire.kit.mail import mailer, queue, transports
from hirewire.kit.mail.kept import kept
from hirewire.kit.mail.letters import Letter
from hirewire.kit.mail.mailer import Mailer
from hirewire.kit.secrets import use_keys
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from tests.builders import eventually
from tests.clocks import moved
from tests.services import copy_of_migrated
from tests.smtp import mail_server

ANNA = "anna@example.org"


def letter(to: str = ANNA, subject: str = "Подтвердите адрес") -> Letter:
    return Letter(
        to=to,
        language="ru",
        subject=subject,
        lines=["Код из письма действует полчаса."],
        code="123456",
        button=("Подтвердить", "https://jobs.example.org/verify?token=a-secret-of-this-mail"),
    )


@pytest.fixture
async def engine(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[AsyncEngine]:
    use_keys("k" * 32)
    url = await fresh_database() + "_mail"
    await copy_of_migrated(url, "auth")
    made = make_engine(url)
    yield made
    await made.dispose()
    use_keys(None)


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "POLL_SECONDS", 0.1)


@pytest.fixture
def transactions(engine: AsyncEngine) -> Transactions:
    return Transactions(engine, "auth")


@asynccontextmanager
async def sending(transactions: Transactions, url: str) -> AsyncIterator[None]:
    """A mailer at work."""
    settings = Settings(smtp_url=url, public_url="https://jobs.example.org")
    task = asyncio.create_task(Mailer("auth", transactions, settings).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def send(transactions: Transactions, *letters: Letter, **options: Any) -> list[UUID]:
    async with transactions() as tx:
        return [await queue.send(tx, "verify", one, user_id=None, **options) for one in letters]


async def ended(transactions: Transactions, **expected: int) -> None:
    """Wait until so many mails are in each state."""

    async def are() -> bool:
        async with transactions() as tx:
            return await queue.counts(tx) == expected

    await eventually(are, within=30, what=f"mails: {expected}")


async def row_of(transactions: Transactions, id: UUID) -> Any:
    async with transactions() as tx:
        found = await tx.exec_driver_sql("select * from kit.mail where id = $1", (id,))
        return found.one()


async def test_a_mail_is_sent_once_and_its_content_is_deleted(transactions: Transactions) -> None:
    async with mail_server() as server, sending(transactions, server.url):
        [id] = await send(transactions, letter())
        await ended(transactions, sent=1)
    [mail] = server.taken
    assert mail["Message-ID"] == f"<{id}@jobs.example.org>"
    assert mail["Subject"] == "Подтвердите адрес"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "Hirewire <no-reply@jobs.example.org>"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (text, html):
        assert "123456" in part.get_content()
        assert "/verify?token=a-secret-of-this-mail" in part.get_content()
    assert (await row_of(transactions, id)).content is None


async def test_nothing_in_the_table_can_be_read(transactions: Transactions) -> None:
    [id] = await send(transactions, letter())
    stored = str((await row_of(transactions, id))._mapping)
    assert ANNA not in stored
    assert "a-secret-of-this-mail" not in stored
    assert "123456" not in stored


async def test_a_change_that_is_rolled_back_sends_nothing(transactions: Transactions) -> None:
    async with mail_server() as server, sending(transactions, server.url):
        with pytest.raises(RuntimeError):
            async with transactions() as tx:
                await queue.send(tx, "verify", letter(), user_id=None)
                raise RuntimeError
        await send(transactions, letter("boris@example.org"))
        await ended(transactions, sent=1)
    assert [mail["To"] for mail in server.taken] == ["boris@example.org"]


async def test_a_refused_mail_is_dead_until_it_is_sent_again(transactions: Transactions) -> None:
    async with mail_server(manner="refuse") as server, sending(transactions, server.url):
        [id] = await send(transactions, letter())
        await ended(transactions, dead=1)
        async with transactions() as tx:
            [dead] = await queue.listed(tx, "dead", 10)
        assert dead.error == "the server answered 550 5.1.1", "its text has the reader's address"
        server.manner = "take"
        async with transactions() as tx:
            assert await queue.resend(tx, [id]) == (1, 0)
        await ended(transactions, sent=1)
    assert len(server.taken) == 1


async def test_a_dead_mail_with_a_dead_link_is_not_sent_again(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server(manner="refuse") as server, sending(transactions, server.url):
        expires_at = now() + timedelta(hours=1)
        await send(transactions, letter(), expires_at=expires_at)
        await ended(transactions, dead=1)
        server.manner = "take"
        monkeypatch.setattr(queue, "now", lambda: expires_at)
        async with transactions() as tx:
            assert await queue.resend(tx, None) == (0, 1)
        await ended(transactions, expired=1)
    assert not server.taken


async def test_a_greylisted_mail_is_tried_again(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAUSES", (0.1,))
    async with mail_server(manner="defer") as server, sending(transactions, server.url):
        await send(transactions, letter())
        await eventually(lambda: _true(server.attempts[ANNA] >= 2), within=30, what="tried twice")
        server.manner = "take"
        await ended(transactions, sent=1)
    assert len(server.taken) == 1


async def test_mails_wait_while_the_server_is_away(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "FIRST_PAUSE", 0.05)
    async with mail_server() as server:
        port = server.port
    async with sending(transactions, f"smtp://127.0.0.1:{port}"):
        ids = await send(transactions, *(letter(f"{n}@example.org") for n in range(10)))
        await eventually(
            lambda: _tried(transactions, ids), within=30, what="some were tried in vain"
        )
        async with mail_server(port) as server:
            await ended(transactions, sent=10)
    assert len(server.taken) == 10


async def _has_error(transactions: Transactions, ids: list[UUID]) -> bool:
    return all([(await row_of(transactions, id)).error is not None for id in ids])


async def _tried(transactions: Transactions, ids: list[UUID]) -> bool:
    """Which of them is chance: after a pause, the first that are due are claimed again."""
    return any([(await row_of(transactions, id)).error is not None for id in ids])


async def _true(value: bool) -> bool:
    return value


@pytest.mark.parametrize("manner", ["drop", "take and drop", "hang"])
async def test_one_bad_reader_does_not_hold_up_the_others(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(transports, "ATTEMPT_SECONDS", 0.5)
    monkeypatch.setattr(queue, "PAUSES", (3600,))
    options: Any = {"manner": manner, "only_for": ANNA}
    async with mail_server(**options) as server, sending(transactions, server.url):
        [bad, *_] = await send(
            transactions, letter(), *(letter(f"{n}@example.org") for n in range(20))
        )
        await ended(transactions, sent=20, queued=1)
        await eventually(lambda: _has_error(transactions, [bad]), within=30, what="was tried")
        row = await row_of(transactions, bad)
    assert (row.unanswered, row.deferrals) == (1, 1), "nobody knows whether the server took it"
    assert len(server.taken) == 20 + (manner == "take and drop")


async def test_an_expired_mail_is_not_sent(transactions: Transactions) -> None:
    async with mail_server() as server, sending(transactions, server.url):
        await send(transactions, letter(), expires_at=now() - timedelta(seconds=1))
        await ended(transactions, expired=1)
    assert not server.taken


async def test_a_mail_is_given_up_after_days_of_attempts(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "GIVE_UP_AFTER", timedelta(0))
    async with mail_server(manner="defer") as server, sending(transactions, server.url):
        [id] = await send(transactions, letter())
        await ended(transactions, dead=1)
    assert (await row_of(transactions, id)).error == "given up: the server answered 450"


async def test_two_mailers_send_each_mail_once(transactions: Transactions) -> None:
    async with (
        mail_server() as server,
        sending(transactions, server.url),
        sending(transactions, server.url),
    ):
        await send(transactions, *(letter(f"{n}@example.org") for n in range(40)))
        await ended(transactions, sent=40)
    assert len({mail["Message-ID"] for mail in server.taken}) == len(server.taken) == 40


async def test_a_mail_of_a_killed_mailer_is_sent_after_its_lease(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    [id] = await send(transactions, letter())
    with monkeypatch.context() as short:
        short.setattr(queue, "LEASE", timedelta(seconds=0.2))
        async with transactions() as tx:
            [abandoned] = await queue.claim(tx, 1)
    async with mail_server() as server, sending(transactions, server.url):
        await ended(transactions, sent=1)
    assert len(server.taken) == 1
    async with transactions() as tx:
        assert not await queue.end(tx, abandoned, "dead"), "it was overtaken"
    assert (await row_of(transactions, id)).state == "sent"


async def test_a_clock_that_jumps_repeats_no_mail_under_way(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = moved(monkeypatch)
    async with (
        mail_server(manner="hang", only_for=ANNA) as server,
        sending(transactions, server.url),
    ):
        await send(transactions, letter())

        async def is_under_way() -> bool:
            return server.attempts[ANNA] == 1

        await eventually(is_under_way)
        clock.ahead = 2 * queue.LEASE
        await send(transactions, letter("other@example.org"))
        await ended(transactions, sent=1, queued=1)
        await send(transactions, letter("other@example.org"))
        await ended(transactions, sent=2, queued=1)
    assert server.attempts[ANNA] == 1


async def test_a_mail_sealed_with_a_lost_key_is_dead(transactions: Transactions) -> None:
    [id] = await send(transactions, letter())
    use_keys("another key" * 3)
    async with mail_server() as server, sending(transactions, server.url):
        await ended(transactions, dead=1)
    assert "HIREWIRE_SECRET_KEY" in (await row_of(transactions, id)).error


@pytest.mark.parametrize(
    ("to", "reader"),
    [
        ("ivan@пример.рф", "ivan@xn--e1afmkfd.xn--p1ai"),
        ("иван@пример.рф", "иван@xn--e1afmkfd.xn--p1ai"),
        ("jörg@example.org", "jörg@example.org"),
    ],
)
async def test_an_address_in_other_letters_is_served(
    transactions: Transactions, to: str, reader: str
) -> None:
    async with mail_server() as server, sending(transactions, server.url):
        await send(transactions, letter(to))
        await ended(transactions, sent=1)
    assert server.attempts == {reader: 1}
    assert [mail["To"] for mail in server.taken] == [reader]


async def test_a_mail_that_cannot_be_written_stops_no_others(transactions: Transactions) -> None:
    async with mail_server() as server, sending(transactions, server.url):
        await send(transactions, letter("no address"), letter())
        await ended(transactions, sent=1, queued=1)
    assert server.attempts == {ANNA: 1}


async def test_a_folder_keeps_mails(transactions: Transactions, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    async with sending(transactions, f"file://{folder}"):
        await send(transactions, letter(subject="First"))
        await ended(transactions, sent=1)
        await send(transactions, letter(subject="Second"))
        await ended(transactions, sent=2)
    assert [mail["subject"] for mail in kept(folder)] == ["Second", "First"]
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


async def test_mails_to_a_user_are_forgotten_with_them(transactions: Transactions) -> None:
    user_id = uuid4()
    async with transactions() as tx:
        await queue.send(tx, "verify", letter(), user_id=user_id)
        await queue.send(tx, "verify", letter(), user_id=uuid4())
        assert await queue.forget(tx, user_id) == 1
        assert await queue.counts(tx) == {"queued": 1}


@pytest.mark.parametrize("field", ["to", "subject"])
def test_a_header_has_one_line(field: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        letter(**{field: "a\r\nBcc: eve@example.org"})
