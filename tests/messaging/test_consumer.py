"""The life of a delivery: first time, its turn, handled, committed, or stored as failed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.consuming.poison_guard import GUARD_AFTER, MAX_START_ATTEMPTS
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Later, Reject
from hirewire.messaging.subscriptions import Subscription, on, on_batch
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.readers import (
    AT_ONCE,
    Reader,
    noted,
    notes,
    place_with_notes,
    reader,
    strange,
    write,
)

__all__ = ["place_with_notes", "reader"]


async def test_a_repeat_has_no_second_effect(reader: Reader) -> None:
    one = noted(uuid4(), "one", 1)
    await consume(reader.consumer, one, one)
    await consume(reader.consumer, one)
    assert await notes(reader.place.engine) == ["one"]


async def test_an_external_publisher_without_id_is_consumed_each_time(reader: Reader) -> None:
    body = Noted(page=uuid4(), text="again").body()
    external = Delivery(body=body, routing_key="test.noted")
    await consume(reader.consumer, external, external)
    assert await notes(reader.place.engine) == ["again", "again"]


async def test_an_external_publishers_own_id_is_recognised(reader: Reader) -> None:
    body = Noted(page=uuid4(), text="once").body()
    external = Delivery(body=body, routing_key="test.noted", message_id="order-17")
    await consume(reader.consumer, external)
    await consume(reader.consumer, external)
    assert await notes(reader.place.engine) == ["once"]


async def test_one_failure_does_not_affect_other_messages(reader: Reader) -> None:
    reader.broken = {"bad"}
    pages = [uuid4() for _ in range(5)]
    batch = [
        noted(page, text, 1) for page, text in zip(pages, ("a", "b", "bad", "c", "d"), strict=True)
    ]
    await consume(reader.consumer, *batch)
    assert await notes(reader.place.engine) == ["a", "b", "c", "d"]
    assert await reader.counts() == {"retrying": 1, "waiting": 0, "dead": 0}


async def test_followers_of_a_failed_message_wait_in_order(reader: Reader) -> None:
    page, other = uuid4(), uuid4()
    reader.broken = {"2"}
    await consume(
        reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3)), noted(other, "x", 1)
    )
    await consume(reader.consumer, noted(page, "4", 4), noted(other, "y", 2))
    assert await notes(reader.place.engine) == ["1", "x", "y"]
    await reader.try_again()
    assert await reader.counts() == {"retrying": 0, "waiting": 2, "dead": 1}
    reader.broken.clear()
    assert await reader.replay() == 1
    assert await reader.replay() == 0  # requesting twice has the same effect as once
    await consume(reader.consumer, noted(page, "5", 5))
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "x", "y", "2", "3", "4", "5"]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}
    assert not reader.lates
    await consume(reader.consumer, noted(page, "6", 6))
    assert (await notes(reader.place.engine))[-1] == "6"


async def test_a_failing_follower_stops_the_queue_behind_it_again(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"1", "3"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3, 4)))
    reader.broken = {"3"}
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]
    assert await reader.counts() == {"retrying": 0, "waiting": 1, "dead": 1}
    reader.broken.clear()
    await reader.replay()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2", "3", "4"]


async def test_a_discarded_message_lets_its_followers_go_on(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3)))
    await reader.try_again()
    async with reader.transactions() as tx:
        [message] = await dead_letters.open_messages(tx)
        assert (message.waiting_behind, message.attempts) == (2, 3)
        assert [line["attempt"] for line in message.history] == [1, 2, 3]
        await dead_letters.discard(tx, message.event_id, why="a test")
    await reader.try_again()
    assert await notes(reader.place.engine) == ["2", "3"]
    async with reader.transactions() as tx:
        with pytest.raises(dead_letters.NoSuchMessage):
            await dead_letters.discard(tx, message.event_id, why="twice")


async def test_skip_lets_followers_pass(place_with_notes: Place) -> None:
    reader = Reader(place_with_notes, behind_failed="skip")
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2)))
    assert await notes(place_with_notes.engine) == ["2"]
    reader.broken.clear()
    await reader.try_again()
    assert await notes(place_with_notes.engine) == ["2", "1"]
    assert reader.lates == ["1"]


async def test_reject_is_dead_at_once(reader: Reader) -> None:
    reader.mood = {"no": Reject("never")}
    await consume(reader.consumer, noted(uuid4(), "no", 1))
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 1}
    assert reader.calls.count("no") == 2  # in the batch, and alone


async def test_later_spends_no_attempt(reader: Reader) -> None:
    reader.mood = {"soon": Later(timedelta(0))}
    await consume(reader.consumer, noted(uuid4(), "soon", 1))
    for _ in range(AT_ONCE.attempts + 2):
        assert await reader.retries.step()
    assert await reader.counts() == {"retrying": 1, "waiting": 0, "dead": 0}
    reader.mood.clear()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["soon"]


async def test_a_cancellation_inside_a_handler_is_a_failure(reader: Reader) -> None:
    """Only the consumer's own cancellation means "not handled at all"."""
    reader.mood = {"odd": asyncio.CancelledError()}
    await consume(reader.consumer, noted(uuid4(), "odd", 1))
    assert await reader.counts() == {"retrying": 1, "waiting": 0, "dead": 0}


async def test_a_cancelled_batch_is_not_handled(reader: Reader) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def hangs(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, received.event.text)
        started.set()
        await never.wait()

    reader.build([on(Noted, hangs, name="reader.notes")])
    one = noted(uuid4(), "one", 1)
    task = asyncio.create_task(consume(reader.consumer, one))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await notes(reader.place.engine) == []
    reader.build([reader.subscription])
    await consume(reader.consumer, one)
    assert await notes(reader.place.engine) == ["one"]


async def test_an_overtaken_event_is_marked_late(reader: Reader) -> None:
    page = uuid4()
    await consume(reader.consumer, noted(page, "1", 1), noted(page, "3", 3), noted(page, "2", 2))
    await consume(reader.consumer, noted(page, "0", 1), noted(page, "4", 4))
    assert reader.lates == ["2", "0"]


MALFORMED = [
    (b"", "JSON"),
    (b"\xff\xfe\x00", "JSON"),
    (b'{"text": "no page"}', "page"),
    (b'{"page": "not an id"}', "page"),
    (b"[1]", "body"),
    (b'{"page": "' + b"x" * 5_000_000 + b'"}', "bytes"),
]


@pytest.mark.parametrize(("body", "reason"), MALFORMED)
async def test_an_unreadable_message_is_dead_with_its_bytes(
    reader: Reader, body: bytes, reason: str
) -> None:
    bad = Delivery(body=body, routing_key="test.noted", headers={"source": "else\x00where"})
    await consume(reader.consumer, noted(uuid4(), "before", 1), bad, noted(uuid4(), "after", 1))
    assert await notes(reader.place.engine) == ["before", "after"]
    async with reader.transactions() as tx:
        [message] = await dead_letters.open_messages(tx)
    assert message.body == body
    assert reason in (message.error or "")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Delivery(body=b"{}", routing_key="test.unknown"), "unknown event"),
        (Delivery(body=b"{}", routing_key="a\x00b\ud800"), "unknown event"),
        (Delivery(body=b"{}", routing_key="test.noted", headers={"type": "test.erased"}), "page"),
    ],
)
async def test_an_alien_message_is_dead_with_the_reason(
    reader: Reader, bad: Delivery, reason: str
) -> None:
    await consume(reader.consumer, bad)
    async with reader.transactions() as tx:
        [message] = await dead_letters.open_messages(tx)
    assert reason in (message.error or "")


async def test_an_external_publishers_event_that_is_not_consumed_here_is_dead(
    reader: Reader,
) -> None:
    await consume(reader.consumer, strange(uuid4()))
    async with reader.transactions() as tx:
        [message] = await dead_letters.open_messages(tx)
    assert "not consumed by reader" in (message.error or "")


async def test_messages_with_invalid_headers_are_dead(reader: Reader) -> None:
    body = Noted(page=uuid4()).body()
    for name, value in (("sequence", "one"), ("time", "noon"), ("source", "x" * 300)):
        await consume(
            reader.consumer,
            Delivery(body=body, routing_key="test.noted", headers={name: value}),
        )
    assert (await reader.counts())["dead"] == 3
    assert await notes(reader.place.engine) == []


async def test_a_message_from_another_sender_is_dead(reader: Reader) -> None:
    body = Noted(page=uuid4(), text="forged").body()
    for user in ("stranger", "writer", "somebody"):
        await consume(reader.consumer, Delivery(body=body, routing_key="test.noted", user_id=user))
    assert (await reader.counts())["dead"] == 1
    assert await notes(reader.place.engine) == ["forged", "forged"]


async def test_a_dead_unreadable_message_can_be_replayed_once_the_code_reads_it(
    reader: Reader,
) -> None:
    erased: list[UUID] = []

    async def on_erased(tx: Tx, received: Received[Erased]) -> None:
        erased.append(received.event.page)

    page = uuid4()
    await consume(reader.consumer, strange(page))
    await reader.replay()
    await reader.try_again()
    assert (await reader.counts())["dead"] == 1
    reader.build([reader.subscription, on(Erased, on_erased, name="reader.erased")])
    await reader.replay()
    await reader.try_again()
    assert erased == [page]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_a_message_that_kills_its_process_ends_as_dead(reader: Reader) -> None:
    """The process dies in the handler: nothing is acked, and the broker counts deliveries."""
    poison = noted(uuid4(), "poison", 1)
    innocent = noted(uuid4(), "innocent", 1)
    reader.mood = {"poison": KeyboardInterrupt()}  # a kill is not caught by any `except`
    deaths = 0
    for count in range(20):
        counted = [
            Delivery(
                body=d.body,
                routing_key=d.routing_key,
                headers=d.headers,
                message_id=d.message_id,
                delivery_count=count,
            )
            for d in (poison, innocent)
        ]
        try:
            await consume(reader.consumer, *counted)
        except KeyboardInterrupt:
            deaths += 1
            reader.build([reader.subscription])  # as in the next process
        else:
            break
    assert deaths == GUARD_AFTER + MAX_START_ATTEMPTS
    assert await notes(reader.place.engine) == ["innocent"]
    async with reader.transactions() as tx:
        [message] = await dead_letters.open_messages(tx)
    assert "3 processes ended" in (message.error or "")


async def test_a_retry_that_kills_its_process_runs_out_of_attempts(reader: Reader) -> None:
    reader.broken = {"bad"}
    await consume(reader.consumer, noted(uuid4(), "bad", 1))
    reader.mood = {"bad": KeyboardInterrupt()}
    for _ in range(AT_ONCE.attempts - 1):
        with pytest.raises(KeyboardInterrupt):
            await reader.retries.step()
        reader.build([reader.subscription])  # as in the next process
    assert await reader.retries.step()
    assert (await reader.counts())["dead"] == 1


async def test_a_batched_handler_gets_the_batch_and_keeps_order_across_events(
    reader: Reader,
) -> None:
    seen: list[list[str]] = []

    async def many(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        seen.append([one.event.text for one in received])
        for one in received:
            await write(tx, one.event.text)

    async def gone(tx: Tx, received: Received[Erased]) -> None:
        await write(tx, "erased")

    reader.build([on_batch(Noted, many, name="reader.many"), on(Erased, gone, name="reader.gone")])
    page, other = uuid4(), uuid4()
    await consume(
        reader.consumer,
        Noted(page=page, text="1"),
        Noted(page=other, text="a"),
        Erased(page=page),
        Noted(page=page, text="2"),
    )
    assert seen == [["1", "a"], ["2"]]
    assert await notes(reader.place.engine) == ["1", "a", "erased", "2"]


async def test_two_batched_handlers_of_one_event_both_get_the_batch(reader: Reader) -> None:
    """Within a key, both handle a message before either handles the next one."""
    seen: list[tuple[str, list[str]]] = []

    def gathers(name: str) -> Subscription:
        async def note(tx: Tx, received: Sequence[Received[Noted]]) -> None:
            seen.append((name, [one.event.text for one in received]))

        return on_batch(Noted, note, name=f"reader.{name}")

    reader.build([gathers("one"), gathers("two")])
    page = uuid4()
    await consume(
        reader.consumer,
        Noted(page=page, text="1"),
        Noted(page=uuid4(), text="a"),
        Noted(page=uuid4(), text="b"),
        Noted(page=page, text="2"),
    )
    assert seen == [
        ("one", ["1", "a", "b"]),
        ("two", ["1", "a", "b"]),
        ("one", ["2"]),
        ("two", ["2"]),
    ]


async def test_two_handlers_of_one_event_fail_alone(reader: Reader) -> None:
    other_calls: list[str] = []

    async def other(tx: Tx, received: Received[Noted]) -> None:
        other_calls.append(received.event.text)

    reader.build([reader.subscription, on(Noted, other, name="reader.other")])
    reader.broken = {"1"}
    page = uuid4()
    await consume(reader.consumer, noted(page, "1", 1), noted(page, "2", 2))
    assert await notes(reader.place.engine) == []
    assert other_calls[-2:] == ["1", "2"]
    assert await reader.counts() == {"retrying": 1, "waiting": 1, "dead": 0}


async def test_two_replicas_with_one_batch_have_one_effect(place_with_notes: Place) -> None:
    """A takeover: the second replica gets what the first has not acked yet."""
    readers = [Reader(place_with_notes) for _ in range(2)]
    pages = [uuid4() for _ in range(10)]
    batch = [noted(page, f"{n}.{k}", k) for k in (1, 2, 3) for n, page in enumerate(pages)]
    await asyncio.gather(*(consume(reader.consumer, *batch) for reader in readers))
    written = await notes(place_with_notes.engine)
    assert len(written) == 30
    for n in range(10):
        mine = [text for text in written if text.startswith(f"{n}.")]
        assert mine == [f"{n}.1", f"{n}.2", f"{n}.3"]


def test_two_subscriptions_cannot_share_a_name(place_with_notes: Place) -> None:
    reader = Reader(place_with_notes)
    with pytest.raises(ValueError, match="one name"):
        reader.build([reader.subscription, reader.subscription])
