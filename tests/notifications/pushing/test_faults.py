"""Push services that fail, hang or answer late, and senders that are killed."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from hirewire.notifications.pushing import commands, pusher
from hirewire.notifications.pushing.pusher import Pusher
from tests.clocks import moved
from tests.notifications.pushing.conftest import Pushing
from tests.push_service import push_service


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
