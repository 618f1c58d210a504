"""Statements of the publisher side: outbox and relay."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits
from simulate.postgres.sessions import epoch_of
from simulate.postgres.shared import moment, update_one, upsert

LOG = "id type key epoch sequence correlation_id causation_id traceparent recorded_at version body"


def count_up(tx: Transaction, key: str, number: int) -> Waits:
    """Increase a key's counter by `number`; returns its last number."""
    new = {"key": key, "last": number, "base": 0}
    counter = yield from upsert(tx, "counter", key, new, lambda old: {"last": old["last"] + number})
    return counter["base"] + counter["last"]


def log_event(tx: Transaction, position: int, event: tuple[Any, ...], sequence: int) -> Waits:
    """Write one event to the log and to the outbox."""
    id, type, key, body, correlation_id, causation_id, traceparent, version = event
    yield from tx.insert(
        "log",
        id,
        {
            "id": id,
            "position": position,
            "xact": tx.xact(),
            "recorded_at": tx.db.clock(),
            "type": type,
            "key": key,
            "epoch": epoch_of(tx),
            "sequence": sequence,
            "correlation_id": correlation_id,
            "causation_id": causation_id,
            "traceparent": traceparent,
            "version": version,
            "body": body,
        },
    )
    unsent = {"position": position, "id": id, "key": key, "xact": tx.xact()}
    unsent |= {"size": len(body.encode()), "attempts": 0, "next_attempt_at": None, "error": None}
    yield from tx.insert("outbox", position, unsent)


@statement("outbox._FLUSH")
def flush(tx: Transaction, columns: Any) -> Waits:
    """Write several events: first all counters, then the positions in the order of the events."""
    events = list(zip(*columns, strict=True))
    counts = Counter(event[2] for event in events)
    next_of = {}
    for key in sorted(counts):
        last = yield from count_up(tx, key, counts[key])
        next_of[key] = last - counts[key] + 1
    for event in events:
        sequence = next_of[event[2]]
        next_of[event[2]] += 1
        yield from log_event(tx, tx.db.nextval("position"), event, sequence)
    return len(events)


@statement("outbox._FLUSH_ONE")
def flush_one(tx: Transaction, event: Any) -> Waits:
    """Write one event."""
    sequence = yield from count_up(tx, event[2], 1)
    yield from log_event(tx, tx.db.nextval("position"), tuple(event), sequence)
    return 1


def log_row(values: dict[str, Any]) -> tuple[Any, ...]:
    """The columns of `LOG`."""
    found = [values[name] for name in LOG.split()]
    found[LOG.split().index("recorded_at")] = moment(values["recorded_at"])
    return tuple(found)


@statement("pipeline._UNSENT", returns=f"position size found {LOG} listened")
def unsent(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What may be published now, by the one clock reading of its statement."""
    limit, in_hand, left_out, room = parameters
    now = tx.db.loop.now
    rows = sorted((v for _, v in tx.see("outbox")), key=lambda v: v["position"])
    failing = [v for v in rows if v["next_attempt_at"] is not None and v["next_attempt_at"] > now]
    found = [
        one
        for one in rows
        if (one["next_attempt_at"] is None or one["next_attempt_at"] <= now)
        and one["position"] not in in_hand
        and one["key"] not in left_out
        and not any(b["key"] == one["key"] and b["position"] < one["position"] for b in failing)
    ][:limit]
    types = {v["type"] for _, v in tx.see("listener") if v["until"] is None} if found else set()
    answer = []
    before = 0
    for one in found:
        logged = tx.get("log", one["id"])
        if before < room and logged is not None:
            subscribed = logged["type"] in types
            row = log_row(logged)
            answer.append((one["position"], one["size"], len(found), *row, subscribed))
        before += one["size"]
    return answer


@statement("pipeline._SENT")
def sent(tx: Transaction, parameters: Any) -> Waits:
    """Delete published events from the outbox."""
    count = 0
    for position in parameters[0]:
        count += (yield from update_one(tx, "outbox", position, lambda _: None)) is not None
    return count


@statement("pipeline._FAILED")
def failed(tx: Transaction, parameters: Any) -> Waits:
    """Postpone events that the broker did not accept."""
    now = tx.db.loop.now
    count = 0
    for position, error in zip(*parameters, strict=True):
        changed = yield from update_one(tx, "outbox", position, _put_off(now, error))
        count += changed is not None
    return count


def _put_off(now: float, error: str) -> Callable[[Values], Values]:
    return lambda old: {
        "attempts": old["attempts"] + 1,
        "error": error,
        "next_attempt_at": now + min(2 ** min(old["attempts"], 10) * 0.25, 30),
    }


@statement("pipeline._CONSUMED_TYPES", returns="type")
def subscribed(tx: Transaction, _: Any) -> list[tuple[str]]:
    """The event types that have a subscriber."""
    found = {v["type"]: None for _, v in tx.see("listener") if v["until"] is None}
    return [(type,) for type in found]


@statement("notify hirewire_outbox")
def notify(tx: Transaction, _: Any) -> int:
    """Wake the leading relay."""
    tx.notices.append("hirewire_outbox")
    return 0
