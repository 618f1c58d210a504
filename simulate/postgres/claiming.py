"""Statements of retries and operators on unresolved messages: claims, lanes, dead letters."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from simulate.postgres.catalogue import constant, statement
from simulate.postgres.engine import Transaction, Values, Waits
from simulate.postgres.shared import greatest, locked, moment, setting, update_each, update_one

HEADS = "event_id state attempts source key size closing claimed_by claimed_with next_attempt_at"
COLUMNS = "event_id state attempts type source key error body headers"
OPEN = "open_message"


def _paused(tx: Transaction, lane: str) -> bool:
    return any(v["subscription"] == lane for _, v in tx.see("pause"))


def scheduled(values: Values) -> bool:
    """Whether a lane has something scheduled."""
    return values["state"] in ("retrying", "waiting") and values["next_attempt_at"] is not None


def _arrival(values: Values) -> int:
    return int(values["arrival"])


@statement("claims._DUE", returns="name overdue")
def due(tx: Transaction, _: Any) -> list[tuple[str, float]]:
    """Lanes with something scheduled, and how long it has been due."""
    first: dict[str, float] = {}
    for _row, v in tx.see(OPEN):
        if scheduled(v):
            name, at = v["subscription"], v["next_attempt_at"]
            first[name] = min(at, first.get(name, at))
    return [(n, tx.db.clock() - first[n]) for n in sorted(first) if not _paused(tx, n)]


def _heads(tx: Transaction, parameters: Any, which: Callable[[Values], bool]) -> Waits:
    lane, _, limit = parameters
    if _paused(tx, lane):
        return []
    rows = yield from locked(
        tx,
        OPEN,
        lambda v: (
            v["subscription"] == lane
            and scheduled(v)
            and v["next_attempt_at"] <= tx.db.clock()
            and which(v)
        ),
        lambda v: (v["next_attempt_at"], v["arrival"]),
        skip=True,
        limit=limit,
    )
    return [_shown(v) for v in rows]


def _shown(values: Values) -> tuple[Any, ...]:
    shown = values | {
        "size": len(values["body"]),
        "next_attempt_at": moment(values["next_attempt_at"]),
    }
    return tuple(shown[name] for name in HEADS.split())


@statement("claims._FRESH", returns=HEADS)
def fresh(tx: Transaction, parameters: Any) -> Waits:
    """What is due and not claimed."""
    instance = parameters[1]
    return (
        yield from _heads(
            tx, parameters, lambda v: not v["suspect"] and v["claimed_by"] in (None, instance)
        )
    )


@statement("claims._POISON", returns=HEADS)
def suspect(tx: Transaction, parameters: Any) -> Waits:
    """Possible poison messages, and what other replicas have claimed."""
    instance = parameters[1]
    return (
        yield from _heads(
            tx, parameters, lambda v: v["suspect"] or v["claimed_by"] not in (None, instance)
        )
    )


@statement("claims._FOLLOWERS", returns="nth event_id size attempts suspect")
def followers(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What waits behind, ordering key by ordering key."""
    lane, sources, keys, limit = parameters
    found = []
    for nth, place in enumerate(zip(sources, keys, strict=True), start=1):
        waiting = [
            v
            for _, v in tx.see(OPEN)
            if v["state"] == "waiting"
            and v["next_attempt_at"] is None
            and (v["subscription"], v["source"], v["key"]) == (lane, *place)
        ]
        waiting.sort(key=_arrival)
        found += [
            (nth, v["event_id"], len(v["body"]), v["attempts"], v["suspect"])
            for v in waiting[:limit]
        ]
    return found


def _change(
    tx: Transaction,
    lane: str,
    ids: Iterable[UUID],
    change: Callable[[Values], Values | None],
    where: Callable[[Values], bool] = lambda _: True,
) -> Waits:
    seen = [id for id in ids if (v := tx.get(OPEN, (id, lane))) is not None and where(v)]
    count = 0
    for id in seen:
        count += (yield from update_one(tx, OPEN, (id, lane), change, where)) is not None
    return count


def _uuids(text: str | None) -> list[UUID] | None:
    if text is None:
        return None
    return [UUID(one) for one in text.strip("{}").split(",") if one]


@statement("claims._TAKE")
def take(tx: Transaction, parameters: Any) -> Waits:
    """Claim them."""
    lane, instance, ids, others, more, is_suspect, lease = parameters
    count = 0
    for id, text in zip(ids, others, strict=True):
        new = {"claimed_by": instance, "claimed_with": _uuids(text), "suspect": is_suspect}
        count += yield from _change(tx, lane, [id], _claimed(tx, new, more, lease))
    return count


def _claimed(tx: Transaction, new: Values, more: int, lease: float) -> Callable[[Values], Values]:
    return lambda old: {
        **new,
        "attempts": old["attempts"] + more,
        "next_attempt_at": tx.db.clock() + lease,
    }


@statement("claims._FLAG_POISON")
def suspect_them(tx: Transaction, parameters: Any) -> Waits:
    """Mark them as possible poison messages, which are handled alone."""
    lane, ids = parameters
    return (yield from _change(tx, lane, ids, lambda _: {"suspect": True}))


@statement("claims._AWAIT_CLAIM", returns="event_id")
def await_claim(tx: Transaction, parameters: Any) -> Waits:
    """Lock them, and wait for those who hold them."""
    lane, ids = parameters
    rows = yield from locked(
        tx, OPEN, lambda v: v["subscription"] == lane and v["event_id"] in ids, _arrival
    )
    return [(v["event_id"],) for v in rows]


@statement("claims._GIVE_BACK")
def give_back(tx: Transaction, parameters: Any) -> Waits:
    """Release a claim without handling."""
    lane, ids, instance = parameters
    return (
        yield from _change(
            tx,
            lane,
            ids,
            lambda _: {
                "claimed_by": None,
                "claimed_with": None,
                "next_attempt_at": tx.db.clock(),
            },
            lambda v: v["claimed_by"] == instance and v["closing"] is None,
        )
    )


def _columns(values: Values) -> tuple[Any, ...]:
    return tuple(values[name] for name in COLUMNS.split())


@statement("claims._LOCK", returns=COLUMNS)
def lock_claimed(tx: Transaction, parameters: Any) -> Waits:
    """Lock what is still claimed."""
    lane, ids, instance = parameters
    rows = yield from locked(
        tx,
        OPEN,
        lambda v: (
            v["subscription"] == lane
            and v["event_id"] in ids
            and v["claimed_by"] == instance
            and v["state"] in ("retrying", "waiting")
            and v["closing"] is None
        ),
        _arrival,
    )
    return [_columns(v) for v in rows]


@statement("claims._READ_FOLLOWERS", returns=COLUMNS)
def read_followers(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """Read the followers that were claimed along."""
    lane, ids = parameters
    rows = [
        v
        for _, v in tx.see(OPEN)
        if v["subscription"] == lane and v["event_id"] in ids and v["state"] == "waiting"
    ]
    return [_columns(v) for v in sorted(rows, key=_arrival)]


@statement("resolution._REACHED", returns="source key sequence")
def reached(tx: Transaction, parameters: Any) -> list[tuple[str, str, int]]:
    """The progress of ordering keys."""
    lane, *columns = parameters
    rows = [tx.get("progress", (lane, *place)) for place in sorted(zip(*columns, strict=True))]
    return [(v["source"], v["key"], v["sequence"] or 0) for v in rows if v is not None]


@statement(f"{constant('resolution._REACHED')} for update", returns="source key sequence")
def lock_places(tx: Transaction, parameters: Any) -> Waits:
    """The same, with a lock."""
    lane, *columns = parameters
    places = set(zip(*columns, strict=True))
    rows = yield from locked(
        tx,
        "progress",
        lambda v: v["subscription"] == lane and (v["source"], v["key"]) in places,
        lambda v: (v["source"], v["key"]),
    )
    return [(v["source"], v["key"], v["sequence"] or 0) for v in rows]


@statement("resolution._RESOLVED")
def settled(tx: Transaction, parameters: Any) -> Waits:
    """Mark them as handled."""
    lane, ids, lates = parameters
    changes = [
        ((id, lane), setting({"settled_at": tx.db.clock(), "late": late}))
        for id, late in zip(ids, lates, strict=True)
    ]
    return (yield from update_each(tx, "inbox", changes))


@statement("resolution._DELETE")
def delete(tx: Transaction, parameters: Any) -> Waits:
    """Delete resolved messages."""
    lane, ids = parameters
    return (yield from _change(tx, lane, ids, lambda _: None))


@statement("resolution._LEAVE_TO_CLOSE")
def leave_to_close(tx: Transaction, parameters: Any) -> Waits:
    """Mark them as handled; their ordering keys are still to be released."""
    lane, *columns = parameters
    changes = []
    for id, number, sequence in zip(*columns, strict=True):
        new: Values = {"state": "waiting", "closing": number, "sequence": sequence, "body": b""}
        new |= {"headers": "{}", "claimed_by": None, "claimed_with": None, "suspect": False}
        new["next_attempt_at"] = tx.db.clock()
        changes.append(((id, lane), setting(new)))
    return (yield from update_each(tx, OPEN, changes))


@statement("resolution._CLOSING", returns="event_id source key closing sequence")
def closing(tx: Transaction, parameters: Any) -> Waits:
    """Those of them whose ordering keys are to be released."""
    lane, ids = parameters
    rows = yield from locked(
        tx,
        OPEN,
        lambda v: v["subscription"] == lane and v["event_id"] in ids and v["closing"] is not None,
        _arrival,
        skip=True,
    )
    names = ("event_id", "source", "key", "closing", "sequence")
    return [tuple(v[name] for name in names) for v in rows]


@statement("resolution._RELEASE")
def release(tx: Transaction, parameters: Any) -> Waits:
    """Decrease the number of unresolved messages of these ordering keys."""
    lane, *columns = parameters
    changes = [
        ((lane, source, key), _released(number, sequence))
        for source, key, number, sequence in zip(*columns, strict=True)
    ]
    return (yield from update_each(tx, "progress", changes))


def _released(number: int, sequence: int | None) -> Callable[[Values], Values]:
    return lambda old: {
        "open": old["open"] - number,
        "sequence": greatest(old["sequence"], sequence),
    }


@statement("resolution._PROMOTE")
def promote(tx: Transaction, parameters: Any) -> Waits:
    """Make the first waiting message of each ordering key the next to be handled."""
    lane, *columns = parameters
    firsts = []
    for place in dict.fromkeys(zip(*columns, strict=True)):
        waiting = [
            v
            for _, v in tx.see(OPEN)
            if v["state"] == "waiting"
            and (v["subscription"], v["source"], v["key"]) == (lane, *place)
        ]
        first = min(waiting, key=_arrival, default=None)
        if first is not None and first["next_attempt_at"] is None:
            firsts.append(first["event_id"])
    return (yield from _change(tx, lane, firsts, lambda _: {"next_attempt_at": tx.db.clock()}))


@statement("resolution._FAILED")
def failed(tx: Transaction, parameters: Any) -> Waits:
    """An attempt has failed."""
    id, lane, state, attempts, error, delay, history, _ = parameters
    new: Values = {"state": state, "attempts": attempts, "error": error, "history": history}
    new |= {"claimed_by": None, "claimed_with": None, "suspect": False}
    return (
        yield from _change(
            tx,
            lane,
            [id],
            lambda _: {
                **new,
                "next_attempt_at": None if delay is None else tx.db.clock() + delay,
            },
        )
    )


@statement("dead_letters._REPLAY", returns="event_id")
def replay_dead(tx: Transaction, parameters: Any) -> Waits:
    """Reset the attempts of dead messages."""
    id, type, name, note, by = parameters
    rows = yield from locked(
        tx,
        OPEN,
        lambda v: (
            v["state"] == "dead"
            and id in (None, v["event_id"])
            and type in (None, v["type"])
            and name in (None, v["subscription"])
        ),
        _arrival,
    )
    for row in rows:
        new = {"state": "retrying", "attempts": 0, "next_attempt_at": tx.db.clock()}
        new |= {"note": note, "by": by}
        yield from _change(tx, row["subscription"], [row["event_id"]], setting(new))
    return [(row["event_id"],) for row in rows]


@statement("dead_letters._TO_DISCARD", returns="subscription source key")
def to_discard(tx: Transaction, parameters: Any) -> Waits:
    """The messages of an event that may be discarded."""
    id, name = parameters
    rows = yield from locked(
        tx,
        OPEN,
        lambda v: (
            v["event_id"] == id
            and v["state"] in ("dead", "retrying")
            and name in (None, v["subscription"])
        ),
        lambda v: v["subscription"],
    )
    return [(row["subscription"], row["source"], row["key"]) for row in rows]


@statement("dead_letters._DISCARD")
def discard(tx: Transaction, parameters: Any) -> Waits:
    """Discard them for good."""
    id, names, note, by = parameters
    count = 0
    for name in names:
        new: Values = {"state": "discarded", "settled_at": tx.db.clock(), "note": note, "by": by}
        new |= {"next_attempt_at": None, "claimed_by": None}
        count += yield from _change(tx, name, [id], setting(new))
    return count
