"""Statements of the publishing side: outbox and relay."""

from collections import Counter
from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Waits
from simulate.postgres.shared import moment, update_one, upsert

LOG = (
    "id position type key sequence correlation_id causation_id traceparent recorded_at version body"
)


def count_up(tx: Transaction, key: str, number: int) -> Waits:
    """Take a key's counter `number` further: its last number."""
    new = {"key": key, "last": number}
    counter = yield from upsert(tx, "counter", key, new, lambda old: {"last": old["last"] + number})
    return counter["last"]


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
            "sequence": sequence,
            "correlation_id": correlation_id,
            "causation_id": causation_id,
            "traceparent": traceparent,
            "version": version,
            "body": body,
        },
    )
    unsent = {"position": position, "id": id, "key": key, "xact": tx.xact()}
    unsent |= {"attempts": 0, "next_attempt_at": None, "error": None}
    yield from tx.insert("outbox", position, unsent)


@statement("outbox._FLUSH")
def flush(tx: Transaction, columns: Any) -> Waits:
    """Several events: all counters first, then the positions in the events' order."""
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
    """One event."""
    sequence = yield from count_up(tx, event[2], 1)
    yield from log_event(tx, tx.db.nextval("position"), tuple(event), sequence)
    return 1


def log_row(values: dict[str, Any]) -> tuple[Any, ...]:
    """The columns of `LOG`."""
    found = [values[name] for name in LOG.split()]
    found[8] = moment(found[8])
    return tuple(found)


@statement("relay._UNSENT", returns=LOG.replace("id position", "position id"))
def unsent(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What may be published now. The clock is read anew for every row, as PostgreSQL does."""
    limit, in_hand = parameters
    rows = sorted((v for _, v in tx.see("outbox")), key=lambda v: v["position"])
    failing = [v for v in rows if v["next_attempt_at"] is not None]
    found: list[dict[str, Any]] = []
    for one in rows:
        if len(found) == limit:
            break
        due = one["next_attempt_at"]
        if (due is not None and due > tx.db.clock(20)) or one["position"] in in_hand:
            continue
        if any(
            b["key"] == one["key"]
            and b["next_attempt_at"] > tx.db.clock(20)
            and b["position"] < one["position"]
            for b in failing
        ):
            continue
        found.append(one)
    return unsent_rows(tx, found)


def unsent_rows(tx: Transaction, found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Positions joined with the log."""
    rows = []
    for one in found:
        logged = tx.get("log", one["id"])
        if logged is not None:
            row = log_row(logged)
            rows.append((one["position"], row[0], *row[2:]))
    return rows


@statement("relay._SENT")
def sent(tx: Transaction, parameters: Any) -> Waits:
    """Take them from the outbox."""
    count = 0
    for position in parameters[0]:
        count += (yield from update_one(tx, "outbox", position, lambda _: None)) is not None
    return count


@statement("relay._FAILED")
def failed(tx: Transaction, parameters: Any) -> Waits:
    """Not taken by the broker: later again."""
    positions, error = parameters
    for position in positions:
        yield from update_one(
            tx,
            "outbox",
            position,
            lambda old: {
                "attempts": old["attempts"] + 1,
                "error": error,
                "next_attempt_at": tx.db.clock() + min(2 ** min(old["attempts"], 10) * 0.25, 30),
            },
        )
    return len(positions)


@statement("relay._LISTENED", returns="type")
def listened(tx: Transaction, _: Any) -> list[tuple[str]]:
    """The types that somebody is on the list for."""
    found = {v["type"]: None for _, v in tx.see("listener") if v["until"] is None}
    return [(type,) for type in found]


@statement("select pg_try_advisory_lock($1)", returns="locked")
def try_lock(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """A session lock, if it is free."""
    return [(tx.session.try_lock(parameters[0]),)]


@statement("select pg_advisory_xact_lock($1)", returns="locked")
def lock_for_transaction(tx: Transaction, parameters: Any) -> Waits:
    """A lock until the end of the transaction."""
    while not tx.session.try_lock(parameters[0]):
        yield list(tx.db.advisory[parameters[0]])
    tx.advisory.append(parameters[0])
    return [(None,)]


@statement("select pg_advisory_unlock($1)", returns="unlocked")
def unlock(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Let go of a session lock."""
    return [(tx.session.unlock(parameters[0]),)]


@statement("notify hirewire_outbox")
def notify(tx: Transaction, _: Any) -> int:
    """Wake the leading relay."""
    tx.notices.append("hirewire_outbox")
    return 0
