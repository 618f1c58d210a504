"""What is pushed, when, and to whom."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from hirewire.contracts.auth import UserBlocked
from hirewire.kit.clock import now
from hirewire.notifications import push_queue
from hirewire.notifications.app import SERVICE
from hirewire.notifications.pushing import background, commands, pusher, queries
from tests.notifications.pushing.conftest import Pushing


async def test_a_push_says_what_happened_and_no_more(pushing: Pushing) -> None:
    carla, dan = pushing.board.carla, pushing.board.dan
    browsers = [await pushing.subscribed(one) for one in (carla, carla, dan)]
    await pushing.write()
    await pushing.send()
    [notice] = await pushing.board.notices(carla)
    for browser in browsers[:2]:
        [taken] = pushing.service.to(browser)
        assert taken.content["id"] == notice["id"]
        assert (taken.content["title"], taken.content["body"]) == ("New message", "Cook")
        assert set(taken.content) == {"id", "lang", "title", "body", "count", "at"}
        assert (taken.headers["TTL"], taken.headers["Urgency"]) == ("86400", "normal")
        assert taken.claims["sub"] == "mailto:no-reply@127.0.0.1"
        assert set(taken.claims) == {"aud", "exp", "sub"}
    assert pushing.service.to(browsers[2])[0].content["id"] != notice["id"]
    one, _ = await pushing.devices(carla)
    assert one["name"] == "Firefox · Linux"
    assert one["pushedAt"] is not None
    assert await pushing.queued() == 0
    await pushing.send()
    assert len(pushing.service.taken) == 3
    [(sealed, origin)] = set(
        await pushing.board.rows(
            "select bool_and(position('push/' in encode(sealed, 'escape')) = 0), max(origin) "
            "from push_device"
        )
    )
    assert (sealed, origin) == (True, pushing.service.origin)


async def test_nothing_is_pushed_that_is_over(pushing: Pushing) -> None:
    carla, dan = pushing.board.carla, pushing.board.dan
    mine, other = await pushing.subscribed(carla), await pushing.subscribed(dan)
    applicant = await pushing.subscribed(pushing.board.anna)
    await pushing.write()
    [notice] = await pushing.board.notices(carla)
    await pushing.board.call(carla, "PUT", f"/{notice['id']}/read", expect=204)
    match = pushing.board.matched()  # a kind that nobody is pushed about unless they choose
    await pushing.board.consume(match)
    blocked = UserBlocked(user_id=dan, blocked=True, at=now())
    await pushing.board.consume(blocked)
    pushing.clock.ahead = timedelta(minutes=2)
    await pushing.send()
    assert [len(pushing.service.to(one)) for one in (mine, other, applicant)] == [0, 0, 0]
    assert await pushing.queued() == 0
    await pushing.write("employer")
    pushing.clock.ahead += timedelta(days=2)  # nothing could be sent for so long
    await pushing.send()
    assert pushing.service.attempts == []
    await pushing.write("employer")
    pushing.clock.ahead += timedelta(days=2)
    await background.forget_step(pushing.board.service.messaging.transactions)
    assert await pushing.queued() == 0


async def test_people_choose_what_is_pushed_and_when(pushing: Pushing) -> None:
    carla, client = pushing.board.carla, pushing.board.service.client
    browser = await pushing.subscribed(carla)
    hour = now().hour  # UTC is the board's zone
    body = {
        "quiet": {"from": f"{hour:02}:00", "until": f"{(hour + 2) % 24:02}:00"},
        "kinds": [
            {"kind": "message", "mail": "off", "push": False},
            {"kind": "recommended_candidate", "mail": "off", "push": True},
        ],
    }
    headers = pushing.board.service.as_user(carla)
    answer = await client.put("/api/notifications/preferences", json=body, headers=headers)
    assert answer.status_code == 200
    await pushing.board.consume(
        pushing.board.written("applicant"), pushing.board.submitted(), pushing.board.matched()
    )
    for minutes in (0, 2):
        pushing.clock.ahead = timedelta(minutes=minutes)
        await pushing.send()
    assert pushing.service.taken == []
    pushing.clock.ahead = timedelta(hours=2)
    await pushing.send()
    titles = {one.content["title"]: one.headers["Urgency"] for one in pushing.service.to(browser)}
    assert titles == {"New application": "normal", "New candidate": "low"}


async def test_more_messages_replace_the_push_of_the_first(pushing: Pushing) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    await pushing.write()
    await pushing.send()
    for _ in range(3):
        await pushing.write()
    await pushing.send()
    assert len(pushing.service.taken) == 1, "not one for each"
    pushing.clock.ahead = timedelta(minutes=1)
    await pushing.send()
    first, second = pushing.service.to(browser)
    assert second.content["title"] == "4 new messages"
    assert first.content["id"] == second.content["id"]
    assert first.headers["Topic"] == second.headers["Topic"]


async def test_what_comes_while_a_push_is_under_way_is_not_lost(pushing: Pushing) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    await pushing.write()
    transactions = pushing.board.service.messaging.transactions
    async with transactions() as tx:
        [device] = await commands.claim(tx, 5, but=[])
        due = await queries.next_due(tx, device.id, device.attempt)
    assert due is not None
    await pushing.write()
    async with transactions() as tx:
        await commands.sent(tx, device, due.notice_id, due.changes, timedelta(minutes=1))
        await commands.release(tx, device)
    pushing.clock.ahead = timedelta(minutes=1)
    await pushing.send()
    assert [one.content["title"] for one in pushing.service.to(browser)] == ["2 new messages"]


async def test_the_sender_begins_at_once(pushing: Pushing) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    transactions = pushing.board.service.messaging.transactions
    [worker] = [one for one in SERVICE.workers if one is background.send]
    task = asyncio.ensure_future(worker(transactions, pushing.board.service.app.state.settings))
    try:
        while pusher.SERVICE not in push_queue.wakes:
            await asyncio.sleep(0)
        before = asyncio.get_running_loop().time()
        await pushing.write()
        while not pushing.service.to(browser):
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - before < pusher.POLL_SECONDS
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert push_queue.wakes == {}
