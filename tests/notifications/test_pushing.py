"""Web Push from the notice to a push service of our own, which checks and decrypts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from hirewire.contracts.auth import SessionEnded, UserBlocked, UserErased
from hirewire.kit import secrets
from hirewire.kit.clock import now
from hirewire.kit.outgoing import Outgoing
from hirewire.notifications import push_queue, web_push
from hirewire.notifications.app import SERVICE
from hirewire.notifications.pushing import background, commands, pusher, queries
from hirewire.notifications.pushing.pusher import Pusher
from tests.clocks import Clock, moved
from tests.notifications.conftest import Board
from tests.push_service import Browser, PushService, push_service
from tests.services import SECRET_KEY

URL = "/api/notifications/push"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@dataclass
class Pushing:
    """The board, the push service, and the sender between them."""

    board: Board
    service: PushService
    pusher: Pusher
    clock: Clock
    sessions: dict[UUID, UUID] = field(default_factory=dict)
    """The session of each device."""

    async def call(
        self,
        user: UUID,
        method: str,
        path: str = "",
        body: object = None,
        *,
        session: UUID | None = None,
        expect: int = 200,
    ) -> Any:
        claims = {"sid": str(session)} if session else {}
        headers = self.board.service.as_user(user, **claims) | {"User-Agent": FIREFOX}
        client = self.board.service.client
        answer = await client.request(method, URL + path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def key(self) -> str:
        key: str = (await self.call(uuid4(), "GET"))["publicKey"]
        return key

    async def subscribed(self, user: UUID, session: UUID | None = None) -> Browser:
        """A browser of this person that is notified."""
        browser = self.service.subscribed(await self.key())
        await self.add(user, browser, session)
        return browser

    async def add(
        self, user: UUID, browser: Browser, session: UUID | None = None, *, expect: int = 201
    ) -> Any:
        session = session or uuid4()
        body = browser.subscription()
        made = await self.call(user, "POST", "", body, session=session, expect=expect)
        if expect == 201:
            self.sessions[UUID(made["id"])] = session
        return made

    async def devices(self, user: UUID) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call(user, "GET"))["devices"]
        return found

    async def send(self) -> None:
        """Send all that is due."""
        while await self.pusher.step():
            await self.pusher.finish()

    async def queued(self) -> int:
        [(count,)] = await self.board.rows("select count(*) from push")
        return int(count)

    async def write(self, side: str = "applicant") -> None:
        """A message from this side."""
        await self.board.consume(self.board.written(side))


@pytest.fixture
async def pushing(board: Board, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pushing]:
    app = board.service.app
    settings = app.state.settings.model_copy(update={"outgoing_networks": "127.0.0.0/8"})
    app.state.settings = settings
    async with push_service() as service:
        transactions = board.service.messaging.transactions
        pusher = Pusher(transactions, settings, Outgoing(settings.outgoing_networks))
        yield Pushing(board, service, pusher, moved(monkeypatch))
        assert service.refused == []


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
    assert titles == {"New application": "normal", "1 new candidate": "low"}


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


@pytest.mark.parametrize("status", [404, 410])
async def test_an_ended_subscription_is_deleted(pushing: Pushing, status: int) -> None:
    gone, other = [await pushing.subscribed(pushing.board.carla) for _ in range(2)]
    pushing.service.answer(gone, web.Response(status=status))
    await pushing.write()
    await pushing.send()
    assert len(await pushing.devices(pushing.board.carla)) == 1
    assert len(pushing.service.to(other)) == 1
    assert await pushing.queued() == 0


async def test_a_service_that_is_busy_is_asked_later(pushing: Pushing) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    busy = web.Response(status=429, headers={"Retry-After": "600"})
    pushing.service.answer(browser, busy)
    await pushing.write()
    await pushing.send()
    await pushing.board.consume(pushing.board.submitted())
    for minutes in (1, 9):
        pushing.clock.ahead = timedelta(minutes=minutes)
        await pushing.send()
    assert len(pushing.service.attempts) == 1, "neither this push nor a later one"
    [device] = await pushing.devices(pushing.board.carla)
    assert device["failingSince"] is not None
    pushing.service.answers.clear()
    pushing.clock.ahead = timedelta(minutes=11)
    await pushing.send()
    assert len(pushing.service.to(browser)) == 2
    [device] = await pushing.devices(pushing.board.carla)
    assert device["failingSince"] is None


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500, text="x" * 1_000_000),
        web.Response(status=307, headers={"Location": "/push/elsewhere"}),
        web.Response(status=403, text="the clock of the sender is wrong"),
    ],
    ids=["error", "redirect", "forbidden"],
)
async def test_a_failing_service_is_tried_again_after_growing_pauses(
    pushing: Pushing, answer: web.Response
) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    pushing.service.answer(browser, answer)
    await pushing.write()
    attempts = []
    for _ in range(3):
        await pushing.send()
        attempts.append(len(pushing.service.attempts))
        pushing.clock.ahead += timedelta(seconds=50)
    assert attempts == [1, 2, 2]
    assert set(pushing.service.attempts) == {browser.endpoint.removeprefix(pushing.service.origin)}


async def test_a_device_that_fails_for_a_week_is_given_up(pushing: Pushing) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    pushing.service.answer(browser, web.Response(status=500))
    for _ in range(25):
        await pushing.write()
        await pushing.send()
        pushing.clock.ahead += timedelta(hours=9)
    assert await pushing.devices(pushing.board.carla) == []
    assert len(pushing.service.attempts) == 20


async def test_a_service_that_hangs_does_not_delay_others(pushing: Pushing) -> None:
    hanging, good = [await pushing.subscribed(pushing.board.carla) for _ in range(2)]
    pushing.service.answer(hanging, None)
    await pushing.write()
    assert await pushing.pusher.step()
    while not pushing.service.to(good):
        await asyncio.sleep(0.01)
    while len(pushing.service.attempts) < 2:
        await asyncio.sleep(0.01)
    assert await pushing.queued() >= 1
    pushing.service.ended.set()
    await pushing.pusher.finish()
    assert await pushing.queued() == 1
    [(error,)] = await pushing.board.rows("select error from push_device where error is not null")
    assert error == "broken_answer"


async def test_a_push_service_that_hangs_leaves_room_for_others(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pusher, "SLOTS", 3)
    monkeypatch.setattr(pusher, "SLOTS_OF_ONE", 1)
    for _ in range(4):
        pushing.service.answer(await pushing.subscribed(pushing.board.carla), None)
    async with push_service() as other:
        good = other.subscribed(await pushing.key())
        await pushing.add(pushing.board.carla, good)
        await pushing.write()
        for _ in range(5):
            await pushing.pusher.step()
        while not other.to(good):
            await asyncio.sleep(0.01)
        assert len(pushing.service.attempts) <= 1
        pushing.service.ended.set()
        await pushing.pusher.finish()


async def test_a_push_whose_answer_was_lost_is_recognised_when_it_is_repeated(
    pushing: Pushing,
) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    pushing.service.loses_answers = True
    await pushing.write()
    await pushing.send()
    pushing.service.loses_answers = False
    pushing.clock.ahead = timedelta(seconds=11)
    await pushing.send()
    first, second = pushing.service.to(browser)
    assert first.content == second.content
    assert first.headers["Topic"] == second.headers["Topic"]
    await pushing.send()
    assert len(pushing.service.taken) == 2


async def test_a_sender_that_is_killed_leaves_the_device_to_another(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await pushing.subscribed(pushing.board.carla)
    await pushing.write()

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    for step in ("sent", "release"):
        monkeypatch.setattr(commands, step, killed)
    await pushing.pusher.step()
    await pushing.pusher.finish()
    monkeypatch.undo()
    clock = moved(monkeypatch)
    await pushing.send()
    assert len(pushing.service.taken) == 1, "its lease goes on"
    clock.ahead = commands.LEASE
    await pushing.send()
    assert len(pushing.service.to(browser)) == 2
    assert await pushing.queued() == 0


async def test_two_senders_share_the_devices(pushing: Pushing) -> None:
    browsers = [await pushing.subscribed(pushing.board.carla) for _ in range(12)]
    settings = pushing.board.service.app.state.settings
    transactions = pushing.board.service.messaging.transactions
    other = Pusher(transactions, settings)
    await pushing.board.consume(pushing.board.written("applicant"), pushing.board.submitted())
    for _ in range(3):
        await asyncio.gather(pushing.pusher.step(), other.step())
        await asyncio.gather(pushing.pusher.finish(), other.finish())
    assert [len(pushing.service.to(one)) for one in browsers] == [2] * 12


async def test_a_person_has_so_many_devices_at_most(pushing: Pushing) -> None:
    first = await pushing.subscribed(pushing.board.carla)
    for _ in range(commands.MOST_DEVICES):
        await pushing.subscribed(pushing.board.carla)
    session = uuid4()
    for _ in range(3):  # one session has one browser
        last = await pushing.subscribed(pushing.board.carla, session)
    assert len(await pushing.devices(pushing.board.carla)) == commands.MOST_DEVICES
    await pushing.write()
    await pushing.send()
    assert pushing.service.to(first) == []
    assert len(pushing.service.to(last)) == 1
    listed = await pushing.call(pushing.board.carla, "GET", session=session)
    assert [one["here"] for one in listed["devices"]] == [True] + [False] * 19


async def test_a_shared_browser_belongs_to_whoever_has_it_now(pushing: Pushing) -> None:
    carla, dan = pushing.board.carla, pushing.board.dan
    session = uuid4()
    browser = await pushing.subscribed(carla, session)
    await pushing.write()
    await pushing.add(dan, browser)
    await pushing.send()
    assert pushing.service.taken == [], "what was for Carla is not shown to Dan"
    assert await pushing.devices(carla) == []
    stranger = Browser(browser.endpoint, browser.key)  # who knows the address, but not the keys
    refused = await pushing.add(carla, stranger, expect=409)
    assert refused["code"] == "push_endpoint_taken"
    await pushing.add(dan, stranger)  # their own browser may have new keys
    assert len(await pushing.devices(dan)) == 1


async def test_the_end_of_the_session_is_the_end_of_the_device(pushing: Pushing) -> None:
    carla = pushing.board.carla
    here, there = uuid4(), uuid4()
    mine, other = await pushing.subscribed(carla, here), await pushing.subscribed(carla, there)
    await pushing.write()
    await pushing.board.consume(SessionEnded(user_id=carla, session_id=here, at=now()))
    await pushing.send()
    assert [len(pushing.service.to(one)) for one in (mine, other)] == [0, 1]
    late = await pushing.add(carla, mine, here, expect=409)  # its access token still lives
    assert late["code"] == "session_over"
    await pushing.add(carla, mine)
    again = SessionEnded(user_id=carla, session_id=here, at=now())
    await pushing.board.consume(again)
    assert len(await pushing.devices(carla)) == 2
    pushing.clock.ahead = timedelta(days=1, minutes=1)
    await background.forget_step(pushing.board.service.messaging.transactions)
    assert await pushing.board.rows("select count(*) from ended_session") == [(0,)]


async def test_a_session_that_ends_while_it_subscribes(pushing: Pushing) -> None:
    for _ in range(5):
        session, browser = uuid4(), pushing.service.subscribed(await pushing.key())
        body = browser.subscription()
        claims = {"sid": str(session)}
        headers = pushing.board.service.as_user(pushing.board.carla, **claims)
        ended = SessionEnded(user_id=pushing.board.carla, session_id=session, at=now())
        await asyncio.gather(
            pushing.board.service.client.post(URL, json=body, headers=headers),
            pushing.board.consume(ended),
        )
    assert await pushing.devices(pushing.board.carla) == []


async def test_what_is_refused(pushing: Pushing) -> None:
    carla, dan, session = pushing.board.carla, pushing.board.dan, uuid4()
    browser = await pushing.subscribed(carla)
    [device] = await pushing.devices(carla)
    body = browser.subscription()
    client = pushing.board.service.client
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", f"/{device['id']}")):
        assert (await client.request(method, URL + path, json=body)).status_code == 401
        token = pushing.board.service.as_user(carla, scope="notifications:write")
        answer = await client.request(method, URL + path, json=body, headers=token)
        assert answer.status_code == 403, "not by a program"
    await pushing.call(carla, "POST", "", body, expect=403)
    await pushing.call(dan, "DELETE", f"/{device['id']}", expect=404)
    outdated = body | {"publicKey": "B" + "A" * 86}
    answer = await pushing.call(carla, "POST", "", outdated, session=session, expect=409)
    assert answer["code"] == "push_key_outdated"
    for endpoint in (
        *("http://10.0.0.1/x", "https://192.168.1.1/x", "https://[::1]/x", "file:///etc/passwd"),
        *("https://169.254.169.254/latest", "http://push.example:25/x", "x", "https://a@b.c/"),
    ):
        given = body | {"endpoint": endpoint}
        answer = await pushing.call(carla, "POST", "", given, session=session, expect=422)
        [error] = answer["errors"]
        assert (error["pointer"], error["code"]) == ("/endpoint", "push_endpoint_refused")
    for keys in ({"p256dh": "AAAA", "auth": "AAAA"}, body["keys"] | {"p256dh": "B" * 87}):
        answer = await pushing.call(
            carla, "POST", "", body | {"keys": keys}, session=session, expect=422
        )
        assert answer["errors"][0]["code"] == "push_keys_invalid"
    await pushing.call(carla, "POST", "", body | {"keys": {}}, session=session, expect=422)
    await pushing.call(carla, "DELETE", f"/{device['id']}", expect=204)
    assert await pushing.devices(carla) == []


async def test_a_device_that_leads_inside_is_not_reached(pushing: Pushing) -> None:
    """As when a name resolves to another address than when it was added."""
    browser = await pushing.subscribed(pushing.board.carla)
    await pushing.write()
    transactions = pushing.board.service.messaging.transactions
    pushing.pusher = Pusher(transactions, pushing.board.service.app.state.settings, Outgoing())
    await pushing.send()
    assert pushing.service.attempts == []
    [(error,)] = await pushing.board.rows("select error from push_device")
    assert error in ("url_not_https", "address_refused")
    assert browser.endpoint not in str(await pushing.board.rows("select * from push_device"))


async def test_an_erasure_while_pushes_are_sent(pushing: Pushing) -> None:
    carla = pushing.board.carla
    for _ in range(4):
        await pushing.subscribed(carla)
        await pushing.subscribed(pushing.board.dan)
    erased = UserErased(user_id=carla, erasure_id=uuid4(), erased_at=now())
    written = [pushing.board.sent(pushing.board.written("applicant")) for _ in range(4)]
    await pushing.board.consume(*written)
    late = pushing.service.subscribed(await pushing.key())
    headers = pushing.board.service.as_user(carla, sid=str(uuid4()))
    answers = await asyncio.gather(
        pushing.send(),
        pushing.board.consume(erased),
        pushing.board.service.client.post(URL, json=late.subscription(), headers=headers),
        pushing.board.consume(pushing.board.submitted()),
    )
    await pushing.send()
    assert answers[2].status_code in (201, 401)
    for table in ("push_device", "notice", "person"):
        rows = f"select count(*) from {table} where user_id = $1"
        assert await pushing.board.rows(rows, carla) == [(0,)], table
    assert len(await pushing.devices(pushing.board.dan)) == 4
    assert await pushing.queued() == 0


async def test_secret_keys_can_change(pushing: Pushing) -> None:
    carla = pushing.board.carla
    browser = await pushing.subscribed(carla)
    transactions = pushing.board.service.messaging.transactions
    newer = "another-secret-key-of-tests-00000"
    try:
        secrets.use_keys(f"{newer},{SECRET_KEY}")
        assert not await background.seal_again_step(transactions)
        secrets.use_keys(newer)
        web_push.opened_key.cache_clear()
        assert await pushing.key() == browser.key
        await pushing.add(carla, browser)
        assert len(await pushing.devices(carla)) == 1, "known again by its mark"
        await pushing.write()
        await pushing.send()
        assert len(pushing.service.to(browser)) == 1

        secrets.use_keys("a-key-that-nothing-was-sealed-with")
        web_push.opened_key.cache_clear()
        assert await pushing.key() != browser.key
        await pushing.write()
        pushing.clock.ahead = timedelta(minutes=2)
        await pushing.send()
        assert len(pushing.service.taken) == 1
        secrets.use_keys(newer)
        web_push.opened_key.cache_clear()
        pushing.clock.ahead = timedelta(minutes=4)
        await pushing.send()
        assert len(pushing.service.to(browser)) == 2, "it works again"
    finally:
        secrets.use_keys(SECRET_KEY)
        web_push.opened_key.cache_clear()


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
