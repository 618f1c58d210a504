"""Deliveries: signed, once, in order, tried again, held, dead and sent again."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from standardwebhooks import WebhookVerificationError

from hirewire.contracts.auth import UserBlocked
from hirewire.contracts.vacancies import VacancyPublished
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Letter
from hirewire.kit.secrets import unseal, use_keys
from hirewire.notifications.app import SERVICE
from hirewire.notifications.webhooks import background, sending
from hirewire.notifications.webhooks.background import SCHEDULE, Sender
from tests.notifications.conftest import LONG_AGO, Board
from tests.notifications.webhooks.conftest import Hooks
from tests.notifications.webhooks.receiver import receiving
from tests.services import SECRET_KEY, running


async def test_an_event_is_sent_signed_with_what_the_company_may_read(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    await board.consume(board.submitted(), board.matched())
    await hooks.work()
    [request] = hooks.receiver.requests
    body = request.verified(made["secret"])
    assert body["type"] == "application.submitted"
    assert body["data"] == {
        "applicationId": str(board.application),
        "vacancyId": str(board.vacancy),
        "companyId": str(board.company),
        "resumeId": str(board.resume),
        "origin": "response",
    }
    assert str(board.anna) not in request.text
    [delivery] = await hooks.deliveries(made["id"])
    assert (delivery["state"], delivery["attempts"], delivery["lastStatus"]) == (
        "delivered",
        1,
        204,
    )
    assert delivery["webhookMessageId"] == request.id
    whole = await hooks.call(board.carla, "GET", f"/{made['id']}/deliveries/{delivery['id']}")
    assert json.loads(whole["body"]) == body
    [attempt] = whole["attempts"]
    assert (attempt["status"], attempt["url"]) == (204, hooks.receiver.url)
    assert attempt["seconds"] < 10
    with pytest.raises(WebhookVerificationError):
        request.verified("whsec_" + "QUFB" * 11)


async def test_a_repeated_event_and_one_from_before_are_not_sent(hooks: Hooks) -> None:
    board = hooks.board
    before = board.sent(board.submitted(), at=now() - timedelta(seconds=1))
    made = await hooks.create()
    after = board.sent(board.written("applicant"))
    await board.consume(board.sent(board.written("employer"), at=LONG_AGO), before, after)
    await board.consume(after)
    # The inbox forgets; the delivery is known by the webhook and the event.
    await hooks.execute("delete from messaging.inbox")
    await board.consume(after)
    # An operator replays it: the same event with another id.
    headers = {**after.headers, "id": str(uuid4()), "replayof": after.headers["id"]}
    headers.pop("sequence")
    await board.consume(replace(after, headers=headers, message_id=headers["id"]))
    await hooks.work()
    assert await hooks.states(made["id"]) == [("application.message_sent", "delivered", 1)]


async def test_a_failed_delivery_holds_its_key_and_no_other(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    held, other = board.application, uuid4()
    hooks.receiver.answer = lambda got: 500 if str(held) in got.text else 200
    await board.consume(board.submitted(), board.moved("response", "consider", "in_progress"))
    board.application = other
    await board.consume(board.submitted(), board.written("applicant"))
    await hooks.work()
    assert await hooks.states(made["id"]) == [
        ("application.submitted", "waiting", 1),
        ("application.stage_changed", "waiting", 0),
        ("application.submitted", "delivered", 1),
        ("application.message_sent", "delivered", 1),
    ]
    first, second = (await hooks.deliveries(made["id"]))[:2]
    assert first["nextAttemptAt"] is not None
    assert second["nextAttemptAt"] is None
    hooks.receiver.answer = lambda _: 200
    await hooks.make_due()
    await hooks.work()
    types = [json.loads(one.text)["type"] for one in hooks.receiver.requests]
    assert types[-2:] == ["application.submitted", "application.stage_changed"]
    repeated = [one.id for one in hooks.receiver.requests if str(held) in one.text]
    assert repeated[0] == repeated[1] != repeated[2]
    listed = await hooks.call(board.carla, "GET", f"/{made['id']}")
    assert (listed["failures"], listed["failingSince"], listed["waiting"]) == (0, None, 0)


async def test_order_is_that_of_the_key_whichever_is_entered_first(hooks: Hooks) -> None:
    board = hooks.board
    await hooks.create()
    first = board.sent(board.submitted())
    second = board.sent(board.moved("response", "consider", "in_progress"))
    third = board.sent(board.written("employer"))
    await board.consume(third)
    await board.consume(second, first)
    await hooks.work()
    types = [json.loads(one.text)["type"] for one in hooks.receiver.requests]
    assert types == [
        "application.submitted",
        "application.stage_changed",
        "application.message_sent",
    ]


async def test_dead_deliveries_are_listed_and_sent_again_in_order(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    path = f"/{made['id']}"
    hooks.receiver.answer = lambda _: web.Response(status=500, text="Out of\x00 order")
    await board.consume(board.submitted(), board.written("applicant"))
    for _ in range(2 * SCHEDULE.attempts):
        await hooks.make_due()
        await hooks.work()
    assert {one[1] for one in await hooks.states(made["id"])} == {"dead"}
    assert (await hooks.call(board.carla, "GET", path))["dead"] == 2
    dead = await hooks.deliveries(made["id"], "&state=dead")
    whole = await hooks.call(board.carla, "GET", f"{path}/deliveries/{dead[0]['id']}")
    assert len(whole["attempts"]) == SCHEDULE.attempts
    assert whole["attempts"][0]["body"] == "Out of� order"

    hooks.receiver.answer = lambda _: 200
    hooks.receiver.requests.clear()
    await hooks.execute("insert into webhook_lane select id, 'gone', now() from webhook")
    replay = f"{path}/deliveries/{dead[1]['id']}/replay"
    await hooks.call(board.carla, "POST", replay, expect=204)
    await hooks.call(board.carla, "POST", replay, expect=404)
    assert await hooks.call(board.carla, "POST", f"{path}/replay") == {"count": 1}
    await hooks.work()
    assert [one.id for one in hooks.receiver.requests] == [one["webhookMessageId"] for one in dead]
    assert {one[1] for one in await hooks.states(made["id"])} == {"delivered"}


async def test_a_sender_that_is_killed_leaves_its_delivery_to_another(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    hooks.receiver.hanging = asyncio.Event()
    await board.consume(board.submitted())
    killed = hooks.sender
    await killed.step()
    other = Sender(board.service.messaging.transactions, board.service.app.state.settings)
    while not hooks.receiver.requests:
        await asyncio.sleep(0.01)
    assert not await other.step(), "what is being sent is not sent by another at the same time"
    await hooks.make_due()  # the lease ends
    assert await other.step()
    hooks.receiver.hanging.set()
    await other.idle()
    await killed.idle()
    await other.step()
    await killed.step()
    assert len({one.id for one in hooks.receiver.requests}) == 1
    assert len(hooks.receiver.requests) == 2
    assert await hooks.states(made["id"]) == [("application.submitted", "delivered", 1)]
    assert await board.rows("select count(*) from webhook_lane") == [(0,)]
    assert await board.rows("select count(*) from webhook_attempt") == [(2,)]


async def test_a_webhook_that_fails_for_days_is_switched_off_and_on_again(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    path = f"/{made['id']}"
    hooks.receiver.answer = lambda _: 503
    await board.consume(board.submitted())
    await hooks.work()
    await hooks.execute("update webhook set failing_since = $1", now() - timedelta(days=4))
    await hooks.make_due()
    await hooks.work()
    off = await hooks.call(board.carla, "GET", path)
    assert (off["on"], off["offReason"], off["waiting"]) == (False, "failing", 1)
    mails = await board.rows("select user_id, content from kit.mail where kind = 'webhook_off'")
    assert {user_id for user_id, _ in mails} == {board.carla, board.dan}
    letter = Letter.from_json(unseal(bytes(mails[0][1]), queue.PURPOSE))
    assert letter.subject == "The webhook to 127.0.0.1 was switched off"
    assert letter.button == ("Look at the webhook", f"/employer/webhooks/{made['id']}")
    await board.consume(board.written("applicant"))
    await hooks.make_due()
    await hooks.work()
    assert len(hooks.receiver.requests) == 2, "nothing is sent, and nothing is kept for it"
    hooks.receiver.answer = lambda _: 200
    on = await hooks.call(board.carla, "PATCH", path, {"on": True})
    assert (on["on"], on["offReason"], on["failures"]) == (True, None, 0)
    await hooks.work()
    assert await hooks.states(made["id"]) == [("application.submitted", "delivered", 3)]


async def test_gone_switches_off_at_once_and_by_hand_as_well(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    hooks.receiver.answer = lambda _: 410
    await board.consume(board.submitted())
    await hooks.work()
    off = await hooks.call(board.carla, "GET", f"/{made['id']}")
    assert (off["on"], off["offReason"]) == (False, "gone")
    again = await hooks.call(board.carla, "PATCH", f"/{made['id']}", {"on": True})
    assert again["on"]
    off = await hooks.call(board.carla, "PATCH", f"/{made['id']}", {"on": False})
    assert (off["on"], off["offReason"]) == (False, "by_hand")


async def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    hooks.receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": "600"})
    await board.consume(board.submitted())
    board.application = uuid4()
    await board.consume(board.submitted())
    await hooks.work()
    await hooks.make_due()
    await hooks.work()
    assert 1 <= len(hooks.receiver.requests) <= 2
    await hooks.execute("update webhook set not_before = $1", now() - timedelta(seconds=1))
    hooks.receiver.answer = lambda _: 200
    await hooks.make_due()
    await hooks.work()
    assert {one[1] for one in await hooks.states(made["id"])} == {"delivered"}


async def test_secrets_are_rotated_twice_and_all_of_a_day_sign(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    secrets = [made["secret"]]
    for _ in range(2):
        answer = await hooks.call(board.carla, "POST", f"/{made['id']}/rotate")
        secrets.append(answer["secret"])
    await hooks.call(board.carla, "POST", f"/{made['id']}/ping", expect=202)
    await hooks.work()
    [request] = hooks.receiver.requests
    for secret in secrets:
        assert request.verified(secret)["type"] == "webhook.ping"
    await hooks.execute(
        "update webhook_secret set expires_at = $1 where expires_at is not null", now()
    )
    await hooks.call(board.carla, "POST", f"/{made['id']}/ping", expect=202)
    await hooks.work()
    request = hooks.receiver.requests[-1]
    request.verified(secrets[-1])
    for secret in secrets[:-1]:
        with pytest.raises(WebhookVerificationError):
            request.verified(secret)
    stored = str(await board.rows("select secret from webhook_secret"))
    assert not any(secret[6:] in stored for secret in secrets)


async def test_a_url_that_is_changed_while_a_request_is_under_way(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    hooks.receiver.hanging = asyncio.Event()
    hooks.receiver.answer = lambda got: 410
    await board.consume(board.submitted())
    await hooks.sender.step()
    while not hooks.receiver.requests:
        await asyncio.sleep(0.01)
    changed = {"url": f"{hooks.receiver.url}/new"}
    await hooks.call(board.carla, "PATCH", f"/{made['id']}", changed)
    hooks.receiver.hanging.set()
    await hooks.work()
    after = await hooks.call(board.carla, "GET", f"/{made['id']}")
    assert (after["on"], after["failures"]) == (True, 0), "the old URL says nothing of the new one"
    hooks.receiver.answer = lambda _: 200
    await hooks.make_due()
    await hooks.work()
    [delivery] = await hooks.deliveries(made["id"])
    whole = await hooks.call(board.carla, "GET", f"/{made['id']}/deliveries/{delivery['id']}")
    assert [one["url"] for one in whole["attempts"]] == [changed["url"], hooks.receiver.url]


async def test_nothing_is_sent_for_a_company_whose_people_are_all_blocked(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    await board.consume(board.submitted())
    for user in (board.carla, board.dan):
        await board.consume(UserBlocked(user_id=user, blocked=True, at=now()))
    await board.consume(board.written("applicant"))
    await hooks.work()
    assert not hooks.receiver.requests
    await board.consume(UserBlocked(user_id=board.dan, blocked=False, at=now()))
    await hooks.work()
    assert len(hooks.receiver.requests) == 1
    assert made["id"]


async def test_a_large_event_is_sent_and_a_larger_one_without_its_long_members(
    hooks: Hooks,
) -> None:
    board = hooks.board
    made = await hooks.create(("vacancy.published",))
    for version, length in ((3, 1_000_000), (4, 1_100_000)):
        await board.consume(
            VacancyPublished(
                vacancy_id=board.vacancy,
                company_id=board.company,
                version=version,
                title="я" * (length // 2),
            )
        )
    await hooks.work()
    first, second = (one.verified(made["secret"]) for one in hooks.receiver.requests)
    assert len(first["data"]["title"]) == 500_000
    assert "truncated" not in first
    assert second["truncated"] is True
    assert second["data"]["version"] == 4
    assert "title" not in second["data"]
    [(kept, is_cut)] = await board.rows(
        "select length(body), is_cut from webhook_delivery order by id limit 1"
    )
    assert (kept, is_cut) == (sending.SHOWN, True)


async def test_a_secret_that_cannot_be_opened_stops_its_webhook_alone(hooks: Hooks) -> None:
    board = hooks.board
    broken, good = await hooks.create(), await hooks.create(path="/good")
    await hooks.execute(
        "update webhook_secret set secret = 'x' where webhook_id = $1", UUID(broken["id"])
    )
    await board.consume(board.submitted())
    await hooks.work()
    assert len(hooks.receiver.requests) == 1
    assert [one[1] for one in await hooks.states(good["id"])] == ["delivered"]
    [waiting] = await hooks.deliveries(broken["id"])
    assert waiting["lastError"].startswith("no_secret")
    await hooks.call(board.carla, "POST", f"/{broken['id']}/rotate")
    await hooks.make_due()
    await hooks.work()
    assert [one[1] for one in await hooks.states(broken["id"])] == ["delivered"]


async def test_secrets_are_encrypted_again_so_an_earlier_key_can_be_dropped(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    newer = "another-key-of-tests-and-nothing-else"
    try:
        use_keys(f"{newer},{SECRET_KEY}")
        assert not await background.seal_again(board.service.messaging.transactions)
        use_keys(newer)
        await board.consume(board.submitted())
        await hooks.work()
    finally:
        use_keys(SECRET_KEY)
    [request] = hooks.receiver.requests
    request.verified(made["secret"])


async def test_old_deliveries_are_deleted(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    await board.consume(board.submitted(), board.written("applicant"))
    await hooks.work()
    await hooks.execute(
        "update webhook_delivery set at = $1 where type = 'application.submitted'",
        now() - timedelta(days=31),
    )
    assert not await background.forget(board.service.messaging.transactions)
    assert [one[0] for one in await hooks.states(made["id"])] == ["application.message_sent"]
    assert UUID(made["id"])


async def test_a_running_service_sends_by_itself(fresh_address: str) -> None:
    async with (
        receiving() as receiver,
        running(SERVICE, fresh_address, role="all", outgoing_networks="127.0.0.0/8") as service,
    ):
        board = Board(service)
        await board.consume(*board.people())
        hooks = Hooks(
            board, receiver, Sender(service.messaging.transactions, service.app.state.settings)
        )
        made = await hooks.create()
        await hooks.call(board.carla, "POST", f"/{made['id']}/ping", expect=202)
        async with asyncio.timeout(20):
            while not receiver.requests:
                await asyncio.sleep(0.02)
        assert receiver.requests[0].verified(made["secret"])["type"] == "webhook.ping"
