"""Operators' actions on dead letters (replay, edit, discard), and the lag of a handler."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.messaging import requests
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.testing import consume, delivery
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import Reader, noted, notes

NAME = "reader.notes"


@pytest.fixture
async def noting(place: Place) -> Place:
    """A database with a table of notes."""
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text)"
        )
    return place


@pytest.fixture
def reader(noting: Place) -> Reader:
    """One replica of the service."""
    return Reader(noting)


async def a_dead_one(reader: Reader, page: UUID) -> dead_letters.OpenMessage:
    """A dead letter, and a message that waits behind it."""
    reader.broken = {"typo"}
    await consume(reader.consumer, noted(page, "typo", 1), noted(page, "next", 2))
    await reader.try_again()
    async with reader.transactions() as tx:
        [dead] = await dead_letters.open_messages(tx)
    return dead


async def test_an_edited_dead_letter_takes_effect_in_order(reader: Reader) -> None:
    page = uuid4()
    dead = await a_dead_one(reader, page)
    body = Noted(page=page, text="mended").body()
    async with reader.transactions() as tx:
        await dead_letters.edit(
            tx, dead.event_id, subscription=NAME, body=body, why="a typo", by="ada"
        )
    async with reader.transactions() as tx:
        [edit] = await dead_letters.edits(tx, dead.event_id)
        [shown] = await dead_letters.show(tx, dead.event_id)
        [request, *_] = await requests.latest(tx)
    assert (edit.why, edit.by, edit.body_before, edit.body_after) == (
        "a typo",
        "ada",
        dead.body,
        body,
    )
    assert shown.history[-1]["error"] == "edited by ada: a typo"
    assert len(shown.history) == len(dead.history) + 1
    assert (request.kind, request.asked_by) == ("edit", "ada")
    await reader.try_again()
    assert await notes(reader.place.engine) == ["mended", "next"]


@pytest.mark.parametrize("wrong", ["not JSON", "another key", "no key"])
async def test_an_edit_that_does_not_fit_is_refused(reader: Reader, wrong: str) -> None:
    page = uuid4()
    dead = await a_dead_one(reader, page)
    bodies = {
        "not JSON": b"{",
        "another key": Noted(page=uuid4(), text="mended").body(),
        "no key": b'{"text": "mended"}',
    }
    with pytest.raises(dead_letters.EditRefused):
        async with reader.transactions() as tx:
            await dead_letters.edit(
                tx, dead.event_id, subscription=NAME, body=bodies[wrong], why="wrong"
            )
    async with reader.transactions() as tx:
        [still] = await dead_letters.open_messages(tx)
        assert still.body == dead.body
        assert await dead_letters.edits(tx, dead.event_id) == []


async def test_only_a_dead_letter_is_edited(reader: Reader) -> None:
    page = uuid4()
    dead = await a_dead_one(reader, page)
    body = Noted(page=page, text="mended").body()
    async with reader.transactions() as tx:
        assert await dead_letters.replay(tx, event_id=dead.event_id, subscription=NAME) == 1
        with pytest.raises(dead_letters.NoSuchMessage):
            await dead_letters.edit(tx, dead.event_id, subscription=NAME, body=body, why="late")


async def test_a_message_that_nobody_could_read_is_edited(reader: Reader) -> None:
    page = uuid4()
    bad = delivery(Noted(page=page, text="x"))
    bad.body = b'{"page": 1}'
    await consume(reader.consumer, bad)
    async with reader.transactions() as tx:
        [dead] = await dead_letters.open_messages(tx)
        await dead_letters.edit(
            tx,
            dead.event_id,
            subscription=dead.subscription,
            body=Noted(page=page, text="read").body(),
            why="a test",
        )
    await reader.try_again()
    assert await notes(reader.place.engine) == ["read"]


async def test_a_replay_of_one_handler_leaves_the_others(reader: Reader) -> None:
    dead = await a_dead_one(reader, uuid4())
    async with reader.transactions() as tx:
        assert await dead_letters.replay(tx, event_id=dead.event_id, subscription="other") == 0
    assert (await reader.counts())["dead"] == 1


async def test_a_discard_and_a_retry_at_once_do_not_block_each_other(reader: Reader) -> None:
    """Both lock the message first, and then its key."""
    for _ in range(5):
        page = uuid4()
        dead = await a_dead_one(reader, page)
        reader.broken.clear()
        await reader.replay()

        async def discard(event: UUID = dead.event_id) -> None:
            try:
                async with reader.transactions() as tx:
                    await dead_letters.discard(tx, event, why="a test")
            except dead_letters.NoSuchMessage:
                pass

        await asyncio.gather(reader.try_again(), discard())
        await reader.try_again()
        assert (await notes(reader.place.engine))[-1] == "next"
        assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_the_lag_is_the_age_of_the_oldest_unhandled_message(reader: Reader) -> None:
    page = uuid4()
    async with reader.transactions() as tx:
        assert await dead_letters.lag(tx, [NAME]) == {NAME: 0.0}
    reader.broken = {"1"}
    one = noted(page, "1", 1)
    headers = dict(one.headers)
    headers["time"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    one.headers = headers
    await consume(reader.consumer, one, noted(page, "2", 2))
    async with reader.transactions() as tx:
        lag = await dead_letters.lag(tx, [NAME, "reader.other"])
    assert 3600 <= lag[NAME] < 3700
    assert lag["reader.other"] == 0.0
    await reader.try_again()  # the first is dead now, and the second waits behind it
    async with reader.transactions() as tx:
        lag = await dead_letters.lag(tx, [NAME])
    assert 0 < lag[NAME] < 3600
