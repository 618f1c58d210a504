"""Statements of the consumer side: inbox and possible poison messages."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits
from simulate.postgres.shared import (
    greatest,
    insert_new,
    setting,
    update,
    update_each,
    update_one,
    upsert,
)

KEY_STATE = "event_id subscription source key previous open paused"


def inbox_row(id: Any, subscription: str, tx: Transaction, origin: str | None = None) -> Values:
    """A new row of the inbox."""
    return {
        "event_id": id,
        "subscription": subscription,
        "heard_at": tx.db.clock(),
        "settled_at": None,
        "late": False,
        "origin": origin,
    }


def advance_ordering_keys(
    tx: Transaction, names: Any, sources: Any, keys: Any, sequences: Any
) -> Waits:
    """Lock ordering keys, in order, and advance them."""
    paused = [v["subscription"] for _, v in tx.see("pause")] or None
    found = []
    for name, source, key, sequence in sorted(
        zip(names, sources, keys, sequences, strict=True), key=lambda ordering_key: ordering_key[:3]
    ):
        new = {"subscription": name, "source": source, "key": key}
        new |= {"sequence": sequence, "previous": None, "open": 0}
        row = yield from upsert(tx, "progress", (name, source, key), new, _moved_to(sequence))
        found.append((None, name, source, key, row["previous"], row["open"], paused))
    return found


def _moved_to(sequence: int | None) -> Callable[[Values], Values]:
    return lambda old: {
        "previous": old["sequence"],
        "sequence": greatest(old["sequence"], sequence),
    }


def _held_back(more: int, sequence: int | None) -> Callable[[Values], Values]:
    return lambda old: {"open": old["open"] + more, "sequence": sequence}


@statement("inbox._ENTER", returns=KEY_STATE)
def enter(tx: Transaction, parameters: Any) -> Waits:
    """Enter invocations; if all are new, lock their ordering keys as well."""
    ids, names, *ordering_keys, count, origins = parameters
    entered = []
    for id, name, origin in sorted(zip(ids, names, origins, strict=True), key=itemgetter(0, 1)):
        row = inbox_row(id, name, tx, origin)
        if (yield from insert_new(tx, "inbox", (id, name), row)):
            entered.append((id, name))
    if len(entered) == count:
        return (yield from advance_ordering_keys(tx, *ordering_keys))
    return [(id, name, None, None, None, None, None) for id, name in entered]


@statement("inbox._ADVANCE", returns=KEY_STATE)
def advance(tx: Transaction, parameters: Any) -> Waits:
    """Lock the ordering keys of the new ones among repeats."""
    return (yield from advance_ordering_keys(tx, *parameters))


def open_row(tx: Transaction, **given: Any) -> Values:
    """A new row of open_message."""
    return {
        "arrival": tx.db.nextval("arrival"),
        "arrived_at": tx.db.clock(),
        "settled_at": None,
        "attempts": 0,
        "next_attempt_at": None,
        "error": None,
        "history": None,
        "note": None,
        "by": None,
        "claimed_by": None,
        "claimed_with": None,
        "suspect": False,
        "closing": None,
        **given,
    }


@statement("inbox._PARK")
def park(tx: Transaction, columns: Any) -> Waits:
    """Store the followers of a failed message."""
    count = 0
    for id, name, type, source, key, sequence, body, headers, first in zip(*columns, strict=True):
        new = open_row(
            tx,
            event_id=id,
            subscription=name,
            state="waiting",
            type=type,
            source=source,
            key=key,
            sequence=sequence,
            body=body,
            headers=headers,
            next_attempt_at=tx.db.clock() if first else None,
        )
        yield from tx.insert("open_message", (id, name), new)
        count += 1
    return count


@statement("inbox._HOLD_BACK")
def hold_back(tx: Transaction, columns: Any) -> Waits:
    """Count them on their ordering keys, which do not advance."""
    changes = [
        (ordering_key, _held_back(more, sequence))
        for *ordering_key, more, sequence in zip(*columns, strict=True)
    ]
    return (yield from update_each(tx, "progress", [(tuple(t), change) for t, change in changes]))


@statement("inbox._MARK_LATE")
def mark_late(tx: Transaction, columns: Any) -> Waits:
    """Mark them as overtaken."""
    new = setting({"late": True})
    return (yield from update_each(tx, "inbox", [(key, new) for key in zip(*columns, strict=True)]))


@statement("inbox._CHAINED", returns="subscription source key")
def chained(tx: Transaction, columns: Any) -> list[tuple[str, str, str]]:
    """Which of the ordering keys have messages that wait for their lane."""
    fronts = {
        (v["subscription"], v["source"], v["key"])
        for _, v in tx.see("open_message")
        if v["state"] == "waiting" and v["next_attempt_at"] is not None
    }
    return [ordering_key for ordering_key in zip(*columns, strict=True) if ordering_key in fronts]


@statement("unresolved._ENTER_ONE", returns="event_id")
def enter_one(tx: Transaction, parameters: Any) -> Waits:
    """Enter one invocation."""
    id, name, origin = parameters
    new = yield from insert_new(tx, "inbox", (id, name), inbox_row(id, name, tx, origin))
    return [(id,)] if new else []


@statement("unresolved._OPEN")
def open_message(tx: Transaction, parameters: Any) -> Waits:
    """Enter one that failed, with its content."""
    id, name, state, type, source, key, sequence, body, headers, attempts, delay, error, history = (
        parameters
    )
    new = open_row(
        tx,
        event_id=id,
        subscription=name,
        state=state,
        type=type,
        source=source,
        key=key,
        sequence=sequence,
        body=body,
        headers=headers,
        attempts=attempts,
        next_attempt_at=None if delay is None else tx.db.clock() + delay,
        error=error,
        history=history,
    )
    yield from tx.insert("open_message", (id, name), new)
    return 1


@statement("unreadable._HELD", returns="event_id arrival body headers")
def held(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What was kept for a version that knows it."""
    name, types, after, limit = parameters
    rows = [
        v
        for _, v in tx.see("open_message")
        if v["subscription"] == name
        and v["state"] == "retrying"
        and v["type"] in types
        and v["arrival"] > after
        and v["claimed_by"] is None
    ]
    rows.sort(key=lambda v: v["arrival"])
    return [tuple(v[n] for n in ("event_id", "arrival", "body", "headers")) for v in rows[:limit]]


@statement("delete from messaging.open_message where event_id = $1 and subscription = $2")
def forget_held(tx: Transaction, parameters: Any) -> Waits:
    """Delete it: its handlers have it now."""
    gone = yield from update_one(tx, "open_message", tuple(parameters), lambda _: None)
    return int(gone is not None)


@statement("rate_limits._COUNT", returns="tokens")
def count_tokens(tx: Transaction, parameters: Any) -> Waits:
    """How many messages may be handled now."""
    name, most, per_second = parameters
    now = tx.db.clock()
    new = {"subscription": name, "tokens": most, "counted_at": now}
    row = yield from upsert(
        tx,
        "allowance",
        name,
        new,
        lambda old: {
            "tokens": min(most, old["tokens"] + per_second * max(0.0, now - old["counted_at"])),
            "counted_at": now,
        },
    )
    return [(row["tokens"],)]


@statement("rate_limits._SPEND")
def spend_tokens(tx: Transaction, parameters: Any) -> Waits:
    """Count this many as handled."""
    name, number = parameters
    row = yield from update_one(
        tx, "allowance", name, lambda old: {"tokens": old["tokens"] - number}
    )
    return int(row is not None)


@statement("inbox._OPEN_KEY", returns="open")
def open_key_state(tx: Transaction, ordering_key: Any) -> Waits:
    """Count it on its ordering key."""
    name, source, key = ordering_key
    new = {"subscription": name, "source": source, "key": key}
    new |= {"sequence": None, "previous": None, "open": 1}
    row = yield from upsert(
        tx, "progress", tuple(ordering_key), new, lambda old: {"open": old["open"] + 1}
    )
    return [(row["open"] - 1,)]


@statement("start_attempts._START_ATTEMPT")
def note_start(tx: Transaction, parameters: Any) -> Waits:
    """Note that a process starts to handle a possible poison message."""
    fingerprint, instance = parameters
    new = {"fingerprint": fingerprint, "instance": instance, "first_start": tx.db.clock()}
    return int((yield from insert_new(tx, "suspect", (fingerprint, instance), new)))


@statement("select count(*) from messaging.suspect where fingerprint = $1", returns="count")
def count_starts(tx: Transaction, parameters: Any) -> list[tuple[int]]:
    """How many processes have started to handle it."""
    return [(sum(v["fingerprint"] == parameters[0] for _, v in tx.see("suspect")),)]


@statement("delete from messaging.suspect where fingerprint = $1")
def clear_start_attempts(tx: Transaction, parameters: Any) -> Waits:
    """Clear its start attempts: it is resolved."""
    gone = yield from update(
        tx, "suspect", lambda v: v["fingerprint"] == parameters[0], lambda _: None
    )
    return len(gone)


@statement("delete from messaging.suspect where fingerprint = $1 and instance = $2")
def forget_start_attempt(tx: Transaction, parameters: Any) -> Waits:
    """Remove a process's start attempt."""
    gone = yield from update_one(tx, "suspect", tuple(parameters), lambda _: None)
    return int(gone is not None)


@statement("select partitions from messaging.spread", returns="partitions")
def spread(tx: Transaction, _: Any) -> list[tuple[int]]:
    """The number of queues over which the keys are spread."""
    return [(v["partitions"],) for _, v in tx.see("spread")]
