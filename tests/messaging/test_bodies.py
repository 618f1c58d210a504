"""Large bodies: a claim goes through the broker, the body through a store, and nothing is lost."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hirewire.messaging.bodies import BATCH_BYTES, LOST, BodyStore, ClaimCheck
from hirewire.messaging.broker import (
    Broker,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueTopology,
    open_broker,
)
from hirewire.messaging.envelope import Malformed, decode
from hirewire.messaging.ids import new_id
from hirewire.messaging.testing import delivery
from tests.messaging.conftest import Noted

QUEUE = QueueTopology("hirewire.reader", ("test.noted",))
LIMIT = 1000


@pytest.fixture
async def plain(broker_url: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_url, client="tests")
    await made.declare([QUEUE])
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "bodies"
    found.mkdir()
    return found


@pytest.fixture
def broker(plain: Broker, folder: Path) -> ClaimCheck:
    return ClaimCheck(plain, BodyStore(folder, threshold=LIMIT))


def message(text: str) -> Message:
    sent = delivery(Noted(page=uuid4(), text=text))
    return Message(
        id=str(sent.message_id),
        type="test.noted",
        key="k",
        body=sent.body,
        headers=sent.headers,
    )


async def take(broker: Broker, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(20), aclosing(broker.deliveries(QUEUE, limit=10)) as batches:
        async for batch in batches:
            found += batch
            await broker.ack(batch[-1])
            if len(found) >= count:
                return found
    return found


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    events = [decode(one).event for one in deliveries]
    return [event.text for event in events if isinstance(event, Noted)]


async def test_a_large_body_arrives_and_keeps_its_place(
    broker: ClaimCheck, plain: Broker, folder: Path
) -> None:
    sizes = (1, LIMIT * 2, 5, LIMIT * 3, 7)
    for size in sizes:
        assert await broker.publish([message("x" * size)]) == [Outcome.CONFIRMED]
    assert [len(text) for text in texts(await take(broker, len(sizes)))] == list(sizes)
    assert len(list(folder.glob("??/*"))) == 2
    await broker.publish([message("x" * LIMIT * 2)])
    [claim] = await take(plain, 1)
    assert claim.body == b""
    assert claim.headers["dataref"] == f"urn:uuid:{claim.message_id}"
    with pytest.raises(Malformed, match="HIREWIRE_LARGE_BODIES is not set"):
        decode(claim)


async def test_what_is_published_twice_is_stored_once(broker: ClaimCheck, folder: Path) -> None:
    large = message("x" * LIMIT * 2)
    await broker.publish([large])
    await broker.publish([large])
    assert len(texts(await take(broker, 2))) == 2
    assert len(list(folder.glob("??/*"))) == 1


@pytest.mark.parametrize("fault", ["gone", "changed", "outside"])
async def test_a_lost_body_affects_only_its_own_message(
    broker: ClaimCheck, plain: Broker, folder: Path, fault: str
) -> None:
    large = message("x" * LIMIT * 2)
    if fault == "outside":
        (folder.parent / "secret").write_bytes(large.body)
        headers = {**large.headers, "dataref": "urn:uuid:../../secret", "datasha256": "0"}
        await plain.publish([replace(large, body=b"", headers=headers)])
    else:
        await broker.publish([large])
        [path] = folder.glob("??/*")
        if fault == "gone":
            path.unlink()
        else:
            path.write_bytes(b"{}")
    await broker.publish([message("next")])
    lost, after = await take(broker, 2)
    assert LOST in lost.headers
    with pytest.raises(Malformed, match="large body"):
        decode(lost)
    assert texts([after]) == ["next"]


async def test_everything_waits_while_the_store_is_unavailable(
    broker: ClaimCheck, folder: Path
) -> None:
    await broker.publish([message("x" * LIMIT * 2)])
    away = folder.with_name("away")
    folder.rename(away)
    with pytest.raises(BrokerUnavailable, match="store of large bodies"):
        await take(broker, 1)
    folder.write_text("in its place")  # so that it cannot be created again
    with pytest.raises(BrokerUnavailable, match="store of large bodies"):
        await broker.publish([message("y" * LIMIT * 2)])
    folder.unlink()
    away.rename(folder)
    assert [len(text) for text in texts(await take(broker, 1))] == [LIMIT * 2]


async def test_few_large_bodies_are_fetched_at_once(broker: ClaimCheck) -> None:
    size = BATCH_BYTES // 2
    await broker.publish([message("x" * size) for _ in range(5)])
    batches = []
    async with asyncio.timeout(30), aclosing(broker.deliveries(QUEUE, limit=10)) as arriving:
        async for batch in arriving:
            batches.append(len(batch))
            await broker.ack(batch[-1])
            if sum(batches) == 5:
                break
    assert max(batches) == 1  # two are slightly over the limit


async def test_an_interrupted_write_leaves_nothing_that_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BodyStore(folder, threshold=LIMIT)
    large = message("x" * LIMIT * 2)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Exception, match="No space left"):
            await store.claim_for(large)
    assert list(folder.glob("??/*")) == []
    claim = await store.claim_for(large)
    found = Delivery(body=b"", routing_key="test.noted", headers=claim.headers)
    assert (await store.redeem(found)).body == large.body


async def test_old_bodies_are_removed_and_used_ones_stay(folder: Path) -> None:
    store = BodyStore(folder, threshold=LIMIT)
    old, used = message("x" * LIMIT * 2), message("y" * LIMIT * 2)
    for one in (old, used):
        await store.claim_for(one)
    month_ago = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    for path in folder.glob("??/*"):
        os.utime(path, (month_ago, month_ago))
    await store.claim_for(used)  # published again
    assert await store.prune(datetime.now(UTC) - timedelta(days=32)) == 1
    [left] = folder.glob("??/*")
    assert left.name == used.id
    shutil.rmtree(folder)
    assert await store.prune(datetime.now(UTC)) == 0


async def test_ids_are_looked_up_as_ids(folder: Path) -> None:
    assert BodyStore(folder)._path(new_id()).parent.parent == folder
