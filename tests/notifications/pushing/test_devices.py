"""Browsers that are notified: whose they are, and when they end."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from hirewire.contracts.auth import SessionEnded, UserErased
from hirewire.kit import secrets
from hirewire.kit.clock import now
from hirewire.kit.outgoing import Outgoing
from hirewire.notifications import web_push
from hirewire.notifications.pushing import background, commands
from hirewire.notifications.pushing.pusher import Pusher
from tests.notifications.pushing.conftest import URL, Pushing
from tests.push_service import Browser
from tests.services import SECRET_KEY


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
