"""The database restored from a backup: what is sent a second time, and what is held back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from hirewire.cli.mails import mails_app
from hirewire.contracts.auth import UserEmailVerified
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.messaging.broker import Delivery
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import REPAIR
from hirewire.notifications.app import SERVICE
from hirewire.notifications.holding_back import hold_back
from hirewire.notifications.webhooks.background import Sender
from tests.messaging.lives import dump, restore
from tests.notifications.conftest import Board
from tests.notifications.mailing.conftest import queued
from tests.notifications.webhooks.conftest import Hooks
from tests.notifications.webhooks.receiver import Receiver, receiving
from tests.services import SECRET_KEY, create_database, running


async def mailed(hooks: Hooks) -> set[str]:
    """The ids of the mails that are due, which are sent now."""
    await queued(hooks.board)
    async with hooks.board.service.messaging.transactions() as tx:
        claimed = await queue.claim(tx, 1000)
        await queue.end_all(tx, [queue.Ending(one, "sent") for one in claimed])
    return {str(one.id) for one in claimed}


def repaired(one: Delivery) -> Delivery:
    """As the audit publishes it again."""
    return replace(one, headers={**one.headers, REPAIR: str(uuid4())})


class Lives:
    """The service before and after its database is restored."""

    def __init__(self, address: str, folder: Path, receiver: Receiver) -> None:
        self.address = address
        self.file = folder / "dump"
        self.receiver = receiver
        name = f"{make_url(address).database}_notifications"
        self.place = make_url(address).set(database=name)
        self.url = self.place.render_as_string(hide_password=False)
        self.webhook: dict[str, Any] = {}

    @asynccontextmanager
    async def life(self, board: Board | None = None) -> AsyncIterator[Hooks]:
        """The service on its database as it is now."""
        networks = "127.0.0.0/8"
        async with running(SERVICE, self.address, outgoing_networks=networks) as service:
            board = replace(board, service=service) if board else Board(service)
            sender = Sender(service.messaging.transactions, service.app.state.settings)
            yield Hooks(board, self.receiver, sender)

    async def first(self) -> tuple[Board, Delivery, set[str]]:
        """An application waits to be mailed and delivered when the backup is made. Then it is, and
        so is a message. Returns that message, and the ids of the mails.
        """
        async with self.life() as hooks:
            board = hooks.board
            await board.complete()
            await board.consume(*board.people())
            await board.consume(UserEmailVerified(user_id=board.carla, at=now()))
            self.webhook = await hooks.create()
            await board.consume(board.submitted())
            await queued(board)
            await dump(self.url, self.file)
            message = board.sent(board.written("applicant"))
            sent = await mailed(hooks)
            await board.consume(message)
            sent |= await mailed(hooks)
            await hooks.work()
            assert len(sent) == len(self.receiver.requests) == 2
        return board, message, sent

    async def restore(self) -> None:
        """Restore the backup."""
        postgres = self.place.set(database="postgres").render_as_string(hide_password=False)
        connection = await connect(postgres, application="tests")
        await connection.execute(f'drop database "{self.place.database}" with (force)')
        await connection.close()
        await create_database(self.place)
        await restore(self.file, self.url)


@pytest.fixture
async def lives(
    fresh_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lives]:
    monkeypatch.setattr("hirewire.notifications.mailing.rules.BURST", timedelta(0))
    async with receiving() as receiver:
        yield Lives(fresh_address, tmp_path, receiver)


async def test_what_a_restored_service_sends_again_is_recognised(lives: Lives) -> None:
    """By the mail's `Message-ID` and by `webhook-id`."""
    board, message, sent = await lives.first()
    before = [one.id for one in lives.receiver.requests]
    await lives.restore()
    async with lives.life(board) as hooks:
        again = await mailed(hooks)
        await hooks.board.consume(repaired(message))
        again |= await mailed(hooks)
        await hooks.work()
        assert again == sent
        assert [one.id for one in lives.receiver.requests] == before * 2


async def test_what_was_sent_before_the_restore_can_be_held_back(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = make_url(lives.address).render_as_string(hide_password=False)
    monkeypatch.setenv("HIREWIRE_DATABASE_URL", address)
    monkeypatch.setenv("HIREWIRE_SECRET_KEY", SECRET_KEY)
    board, message, sent = await lives.first()
    await lives.restore()
    async with lives.life(board) as hooks:
        board = hooks.board
        held = await asyncio.to_thread(
            CliRunner().invoke, mails_app, ["hold-back", "--service", "notifications"]
        )
        said = "notifications: 1 mails, 0 pushes, 1 deliveries to webhooks held back"
        assert (held.exit_code, " ".join(held.output.split())) == (0, said)
        await board.consume(repaired(message))
        assert await mailed(hooks) == set()
        await hooks.work()
        assert len(lives.receiver.requests) == 2
        assert {kind for kind, _ in await board.kinds(board.carla)} == {
            "application_received",
            "message",
        }
        id = lives.webhook["id"]
        dead = await hooks.deliveries(id, "&state=dead")
        assert [one["lastError"].partition(":")[0] for one in dead] == ["held_back"] * 2
        # What is new is sent, and what was held back if somebody asks for it.
        await board.consume(board.written("applicant"))
        [new] = await mailed(hooks)
        assert new not in sent
        async with board.service.messaging.transactions() as tx:
            assert (await queue.resend(tx, None)).queued == 1
        assert await mailed(hooks) < sent
        assert (await hooks.call(board.carla, "POST", f"/{id}/replay"))["count"] == 2
        await hooks.work()
        assert len(lives.receiver.requests) == 5


async def test_what_waits_for_a_queued_mail_is_held_back_too(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose mail is not sent yet gets one more when it is, and that one is not new either."""
    monkeypatch.setattr("hirewire.notifications.mailing.rules.BURST", timedelta(0))
    await board.consume(UserEmailVerified(user_id=board.carla, at=now()), board.submitted())
    await queued(board)
    await board.consume(board.written("applicant"))
    async with board.service.messaging.transactions() as tx:
        assert (await hold_back(tx))["mails"] == 2
        assert await queue.counts(tx) == {"dead": 2}
    await queued(board)
    async with board.service.messaging.transactions() as tx:
        assert await queue.claim(tx, 10) == []
