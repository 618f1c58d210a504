"""Which bounces stop mails to an address, and which must not."""

import asyncio
import hashlib
import hmac
import time
from base64 import b32encode
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from hirewire.cli.mails import mails_app
from hirewire.contracts.auth import UserEmailChanged, UserErased, UserRegistered
from hirewire.kit.clock import now
from hirewire.kit.mail import mailer, queue, returning
from hirewire.kit.mail.letters import Letter
from hirewire.kit.mail.mailer import Mailer
from hirewire.kit.settings import Settings
from hirewire.notifications.app import SERVICE
from hirewire.notifications.bounces import background, rules
from tests.builders import eventually
from tests.imap import imap_server
from tests.notifications import reporting
from tests.notifications.conftest import Board
from tests.services import SECRET_KEY
from tests.smtp import mail_server

ANNA = "anna@example.org"
SECRET = "the-secret-of-the-provider"
WEBHOOK = "/api/notifications/bounces"
EMAIL = "/api/notifications/email"
NOTHING = (0, "not a report about a mail of this board")
BEARER = {"Authorization": f"Bearer {SECRET}"}


async def mailed(board: Board, address: str = ANNA, *, to: UUID | None = None) -> str:
    """Queue a mail to Anna; its mark."""
    letter = Letter(to=address, language="en", subject="News", lines=["x"])
    async with board.service.messaging.transactions() as tx:
        id = await queue.send(tx, "digest", letter, user_id=to or board.anna)
    return returning.mark(id, address)


async def arrives(board: Board, *messages: bytes) -> list[bool]:
    return [await background.handle(board.service.messaging.transactions, one) for one in messages]


async def state(board: Board, user: UUID | None = None) -> tuple[str, str | None]:
    answer = await board.service.client.get(
        EMAIL, headers=board.service.as_user(user or board.anna)
    )
    assert answer.status_code == 200
    return answer.json()["state"], answer.json()["reason"]


async def retry(board: Board, *, expect: int = 204) -> httpx.Response:
    answer = await board.service.client.post(
        f"{EMAIL}/retry", headers=board.service.as_user(board.anna)
    )
    assert answer.status_code == expect, answer.text
    return answer


async def run(board: Board, sql: str, *values: object) -> None:
    async with board.service.messaging.transactions() as tx:
        await tx.exec_driver_sql(sql, values)


def reported(**fields: Any) -> dict[str, Any]:
    one = {"id": str(uuid4()), "address": ANNA, "kind": "hard", "at": now().isoformat()}
    return {"bounces": [one | fields]}


@pytest.fixture
def webhook(board: Board) -> Board:
    """With the setting."""
    settings = board.service.app.state.settings
    board.service.app.state.settings = settings.model_copy(update={"bounces_secret": SECRET})
    return board


async def post(
    board: Board, body: Any, headers: dict[str, str] = BEARER, *, expect: int = 204
) -> None:
    answer = await board.service.client.post(WEBHOOK, json=body, headers=headers)
    assert answer.status_code == expect, answer.text


async def test_a_hard_bounce_stops_the_address_and_what_is_queued(board: Board) -> None:
    mark, _, dans = await mailed(board), await mailed(board), await mailed(board, to=board.dan)
    assert await arrives(board, reporting.postfix(mark)) == [True]
    assert await state(board) == ("stopped", "bounced")
    assert await state(board, board.dan) == ("ok", None)
    queued = await board.rows("select user_id from kit.mail where state = 'queued'")
    assert queued == [(board.dan,)]
    assert await arrives(board, reporting.postfix(mark)) == [True]  # repeated
    assert len(await board.rows("select * from bounce")) == 1
    assert await arrives(board, reporting.complaint(dans)) == [False]  # not to Dan's address


async def test_a_complaint_stops_it(board: Board) -> None:
    mark = await mailed(board)
    assert await arrives(board, reporting.complaint(mark)) == [True]
    assert await state(board) == ("stopped", "complained")


async def test_nobody_can_make_up_a_report(board: Board) -> None:
    mark, mine = await mailed(board), await mailed(board, "dan@example.org", to=board.dan)
    [real] = returning.marks_in(mark)
    [other] = returning.marks_in(mine)
    # The signature of one's own mail does not fit the mail of another person, nor a made-up one.
    for id, signature in (
        (real.mail_id, other.signature),
        (real.mail_id, b"\x00" * 10),
        (uuid4(), real.signature),
        (UUID(int=0), real.signature),
    ):
        forged = b32encode(id.bytes + signature).decode().rstrip("=").lower()
        assert await arrives(board, reporting.postfix(forged)) == [False]
    named = reporting.postfix("a" * 42).replace(b"dan@example.org", ANNA.encode())
    assert await arrives(board, named, reporting.vacation(mark)) == [False, False]
    assert await state(board) == ("ok", None)
    assert await arrives(board, reporting.postfix(mine)) == [True]
    assert await state(board, board.dan) == ("stopped", "bounced")
    assert await state(board) == ("ok", None)


async def test_soft_bounces_of_three_days_stop_it(board: Board) -> None:
    marks = [await mailed(board) for _ in range(6)]
    full = [reporting.postfix(mark, status="4.2.2") for mark in marks]

    async def earlier(days: int) -> None:
        await run(board, "update bounce set at = at - make_interval(days => $1)", days)

    assert await arrives(board, *full[:3]) == [True] * 3  # one outage
    await earlier(14)
    assert await arrives(board, full[3]) == [True]
    await earlier(1)
    assert await arrives(board, full[4]) == [True]
    assert await state(board) == ("ok", None)  # the first ones are too long ago
    await earlier(1)
    assert await arrives(board, full[5]) == [True]
    assert await state(board) == ("stopped", "bounced")


async def test_a_new_address_begins_again(board: Board) -> None:
    mark = await mailed(board)
    await arrives(board, reporting.postfix(mark))
    changed = UserEmailChanged(user_id=board.anna, email="anna@new.example", at=now())
    await board.consume(changed)
    assert await state(board) == ("ok", None)
    assert await board.rows("select * from bounce") == []
    assert await arrives(board, reporting.complaint(mark)) == [False]  # of the earlier address
    assert await state(board) == ("ok", None)
    old = UserEmailChanged(user_id=board.anna, email=ANNA, at=now() - timedelta(days=1))
    await arrives(board, reporting.postfix(await mailed(board, "anna@new.example")))
    await board.consume(old)
    assert await state(board) == ("stopped", "bounced")


async def test_it_is_tried_again_once_a_day(board: Board) -> None:
    first, second = await mailed(board), await mailed(board)
    await retry(board)  # nothing is stopped
    await arrives(board, reporting.postfix(first))
    done = await asyncio.gather(retry(board), retry(board), retry(board))
    assert [one.status_code for one in done] == [204] * 3
    assert await state(board) == ("ok", None)
    # A report of a mail of before, which a server may send days later, counts no more.
    assert await arrives(board, reporting.postfix(second)) == [False]
    await arrives(board, reporting.postfix(await mailed(board)))
    assert await state(board) == ("stopped", "bounced")
    refused = await retry(board, expect=429)
    assert refused.json()["code"] == "email_tried_lately"
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    await run(board, "update person set mail_tried_at = mail_tried_at - interval '1 day'")
    await retry(board)
    assert await state(board) == ("ok", None)


async def test_the_webhook_needs_its_secret(board: Board) -> None:
    await post(board, reported(), expect=404)
    settings = board.service.app.state.settings
    board.service.app.state.settings = settings.model_copy(update={"bounces_secret": SECRET})
    for wrong in ("Bearer x", f"Bearer {SECRET}x", "Basic !", "Basic eDp5", f"Digest {SECRET}", ""):
        await post(board, reported(), {"Authorization": wrong}, expect=401)
    await post(board, reported(), board.service.as_user(board.anna), expect=401)
    await post(board, reported(), {}, expect=401)
    assert await state(board) == ("ok", None)
    answer = await board.service.client.post(WEBHOOK, json=reported(), auth=("postmark", SECRET))
    assert answer.status_code == 204
    assert await state(board) == ("stopped", "bounced")


async def test_the_webhook_takes_only_what_is_about_the_address_of_now(webhook: Board) -> None:
    await post(webhook, reported(address="nobody@example.org"))
    await post(webhook, reported(at=(now() - timedelta(days=31)).isoformat()))
    assert await state(webhook) == ("ok", None)
    body = reported(address="ANNA@example.ORG", kind="complaint")
    await post(webhook, body)
    assert await state(webhook) == ("stopped", "complained")
    await retry(webhook)
    await post(webhook, body)  # replayed
    assert await state(webhook) == ("ok", None)
    soft = reported(kind="soft")
    for _ in range(3):
        await post(webhook, soft)
    assert len(await webhook.rows("select * from bounce")) == 1


async def test_the_forms_of_providers(webhook: Board) -> None:
    at = now()
    postmark = {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": "HardBounce",
        "Email": "dan@example.org",
        "BouncedAt": f"{at:%Y-%m-%dT%H:%M:%S}.9070259Z",
        "Metadata": {},
    }
    for type_ in ("AutoResponder", "Subscribe", "NewOne"):
        await post(webhook, postmark | {"Type": type_})
    await post(
        webhook, {"RecordType": "Delivery", "MessageID": "x", "Recipient": "dan@example.org"}
    )
    assert await state(webhook, webhook.dan) == ("ok", None)
    await post(webhook, postmark)
    assert await state(webhook, webhook.dan) == ("stopped", "bounced")

    def mailgun(
        key: str = SECRET, *, age: float = 0, status: object = None, **fields: Any
    ) -> dict[str, Any]:
        timestamp, token = str(int(time.time() - age)), uuid4().hex
        signature = hmac.new(key.encode(), (timestamp + token).encode(), hashlib.sha256)
        event = {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "id": uuid4().hex,
            "timestamp": at.timestamp(),
            "recipient": ANNA,
            "delivery-status": status or {"code": 550, "message": "no such user"},
        }
        signed = {"timestamp": timestamp, "token": token, "signature": signature.hexdigest()}
        return {"signature": signed, "event-data": event | fields}

    await post(webhook, mailgun("another-key-than-this"), {}, expect=401)
    await post(webhook, mailgun(age=90_000), {}, expect=401)
    await post(webhook, mailgun(severity="temporary"), {})
    await post(webhook, mailgun(event="delivered", severity=None), {})
    await post(webhook, mailgun(reason="old"), {})
    await post(webhook, mailgun(status={"code": 550, "enhanced-code": "5.7.1"}), {})
    assert await state(webhook) == ("ok", None)
    await post(webhook, mailgun(), {})
    assert await state(webhook) == ("stopped", "bounced")


async def test_a_refusal_of_an_earlier_address_does_not_count(board: Board) -> None:
    refusal = queue.Refusal(uuid4(), board.anna, "earlier@example.org", 550, "5.1.1", True)
    assert SERVICE.on_refused is not None
    async with board.service.messaging.transactions() as tx:
        await SERVICE.on_refused(tx, refusal)
    assert await state(board) == ("ok", None)
    async with board.service.messaging.transactions() as tx:
        await SERVICE.on_refused(tx, replace(refusal, address=ANNA.upper()))
    assert await state(board) == ("stopped", "bounced")


async def test_a_refusal_while_sending_counts(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "POLL_SECONDS", 0.1)
    await mailed(board)
    await mailed(board, "dan@example.org", to=board.dan)
    transactions = board.service.messaging.transactions
    async with mail_server(manner="refuse", only_for=ANNA) as server:
        settings = Settings(smtp_url=server.url, bounces_address=reporting.RETURNS)
        sending = Mailer("notifications", transactions, settings, SERVICE.on_refused)
        task = asyncio.create_task(sending.run())

        async def are_done() -> bool:
            return (await board.rows("select * from kit.mail where state = 'queued'")) == []

        await eventually(are_done, within=30, what="both mails")
        task.cancel()
        await asyncio.wait({task})
        [mail] = server.taken
        [sender] = server.senders
    assert await state(board) == ("stopped", "bounced")
    assert await state(board, board.dan) == ("ok", None)
    assert sender == reporting.RETURNS.replace("*", mail["X-Hirewire-Mail"])
    assert await arrives(board, reporting.postfix(mail["X-Hirewire-Mail"])) == [True]
    assert await state(board, board.dan) == ("stopped", "bounced")
    assert await board.rows("select kind, status from bounce order by at limit 1") == [
        ("hard", "5.1.1")
    ]


async def test_the_mailbox_is_read_and_reports_are_deleted(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = board.service.messaging.transactions
    assert await background.read_step(transactions) is False  # without the setting
    mark = await mailed(board)
    huge = reporting.returned_whole(mark).replace("Здравствуйте".encode(), b"x" * 10_000_000)
    async with imap_server() as server:
        monkeypatch.setattr(background, "_mailbox", server.url)
        server.arrive(reporting.vacation(mark), huge, b"\x00" * 3_000_000, b"")
        assert await background.read_step(transactions) is False
        assert await state(board) == ("stopped", "bounced")
        assert list(server.messages) == server.seen == [1, 3, 4]
        server.arrive(*[b"x"] * 60)
        assert await background.read_step(transactions) is True
        assert await background.read_step(transactions) is False
        assert len(server.seen) == 63
        assert 'LOGIN bounces "secret/word"' in server.logins[0]


async def test_a_report_comes_through_a_pipe(
    board: Board, fresh_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = await mailed(board)
    given = make_url(fresh_address).render_as_string(hide_password=False)
    monkeypatch.setenv("HIREWIRE_DATABASE_URL", given)
    monkeypatch.setenv("HIREWIRE_SECRET_KEY", SECRET_KEY)

    async def pipe(content: bytes) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, mails_app, ["bounced"], input=content)
        return done.exit_code, done.output.splitlines()[-1]

    assert await pipe(reporting.vacation(mark)) == NOTHING
    assert await pipe(b"\xff\x00" * 1_000_000) == NOTHING
    assert await pipe(reporting.postfix(mark)) == (0, "noted")
    assert await state(board) == ("stopped", "bounced")
    monkeypatch.setenv("HIREWIRE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x")
    code, _ = await pipe(reporting.postfix(mark))
    assert code == 75


async def test_old_bounces_and_those_of_the_erased_are_deleted(board: Board) -> None:
    soft = [reporting.postfix(await mailed(board), status="4.2.2") for _ in range(2)]
    await arrives(board, soft[0])
    await run(board, "update bounce set at = at - $1::interval", rules.KEPT)
    await arrives(board, soft[1])
    assert await background.forget_step(board.service.messaging.transactions) is False
    assert len(await board.rows("select * from bounce")) == 1
    await board.consume(UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now()))
    assert await board.rows("select * from bounce") == []
    assert await arrives(board, soft[1]) == [False]


async def test_a_person_who_is_not_known_yet(empty: Board) -> None:
    answer = await empty.service.client.get(EMAIL, headers=empty.service.as_user(uuid4()))
    assert answer.json() == {"state": "ok", "reason": None, "since": None, "retryAt": None}
    await empty.consume(UserRegistered(id=empty.anna, email=ANNA))
    assert await state(empty) == ("ok", None)
