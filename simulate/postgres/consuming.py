"""Statements of the hearing side: inbox, retries, dead letters."""

from collections.abc import Callable
from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits
from simulate.postgres.shared import greatest, insert_new, update, update_one, upsert

STANDING = "event_id subscription source key previous open"


def inbox_row(id: Any, subscription: str, tx: Transaction) -> Values:
    """A new row of the inbox."""
    return {
        "event_id": id,
        "subscription": subscription,
        "heard_at": tx.db.clock(),
        "settled_at": None,
        "late": False,
    }


def advance_tracks(tx: Transaction, names: Any, sources: Any, keys: Any, sequences: Any) -> Waits:
    """Lock tracks, in order, and move them on."""
    found = []
    for name, source, key, sequence in sorted(
        zip(names, sources, keys, sequences, strict=True), key=lambda track: track[:3]
    ):
        new = {"subscription": name, "source": source, "key": key}
        new |= {"sequence": sequence, "previous": None, "open": 0}
        row = yield from upsert(tx, "progress", (name, source, key), new, _moved_to(sequence))
        found.append((None, name, source, key, row["previous"], row["open"]))
    return found


def _moved_to(sequence: int | None) -> Callable[[Values], Values]:
    return lambda old: {
        "previous": old["sequence"],
        "sequence": greatest(old["sequence"], sequence),
    }


def _held_back(more: int, sequence: int | None) -> Callable[[Values], Values]:
    return lambda old: {"open": old["open"] + more, "sequence": sequence}


@statement("inbox._ENTER", returns=STANDING)
def enter(tx: Transaction, parameters: Any) -> Waits:
    """Enter units; when all are new, lock their tracks as well."""
    ids, names, *tracks, count = parameters
    entered = []
    for id, name in sorted(zip(ids, names, strict=True)):
        if (yield from insert_new(tx, "inbox", (id, name), inbox_row(id, name, tx))):
            entered.append((id, name))
    if len(entered) == count:
        return (yield from advance_tracks(tx, *tracks))
    return [(id, name, None, None, None, None) for id, name in entered]


@statement("inbox._ADVANCE", returns=STANDING)
def advance(tx: Transaction, parameters: Any) -> Waits:
    """Lock the tracks of what was new among repeats."""
    return (yield from advance_tracks(tx, *parameters))


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
        **given,
    }


@statement("inbox._PARK")
def park(tx: Transaction, columns: Any) -> Waits:
    """Keep followers of a failed message."""
    count = 0
    for id, name, type, source, key, sequence, body, headers in zip(*columns, strict=True):
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
        )
        yield from tx.insert("open_message", (id, name), new)
        count += 1
    return count


@statement("inbox._HOLD_BACK")
def hold_back(tx: Transaction, columns: Any) -> Waits:
    """Count them on their tracks, which have not moved on."""
    for name, source, key, more, sequence in zip(*columns, strict=True):
        yield from update_one(tx, "progress", (name, source, key), _held_back(more, sequence))
    return len(columns[0])


@statement("inbox._MARK_LATE")
def mark_late(tx: Transaction, columns: Any) -> Waits:
    """Note that they were overtaken."""
    for key in zip(*columns, strict=True):
        yield from update_one(tx, "inbox", key, lambda _: {"late": True})
    return len(columns[0])


@statement("inbox._OPEN", returns="event_id")
def open_message(tx: Transaction, parameters: Any) -> Waits:
    """Enter one that failed, whole."""
    id, name, state, type, source, key, sequence, body, headers, attempts, delay, error, history = (
        parameters
    )
    if not (yield from insert_new(tx, "inbox", (id, name), inbox_row(id, name, tx))):
        return []
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
        next_attempt_at=tx.db.clock() + delay,
        error=error,
        history=history,
    )
    yield from tx.insert("open_message", (id, name), new)
    return [(id,)]


@statement("inbox._OPEN_TRACK")
def open_track(tx: Transaction, track: Any) -> Waits:
    """Count it on its track."""
    name, source, key = track
    new = {"subscription": name, "source": source, "key": key}
    new |= {"sequence": None, "previous": None, "open": 1}
    yield from upsert(tx, "progress", tuple(track), new, lambda old: {"open": old["open"] + 1})
    return 1


@statement(
    "insert into messaging.suspect (fingerprint, instance) values ($1, $2) on conflict do nothing"
)
def note_start(tx: Transaction, parameters: Any) -> Waits:
    """A process starts to handle a suspect."""
    fingerprint, instance = parameters
    new = {"fingerprint": fingerprint, "instance": instance, "first_start": tx.db.clock()}
    return int((yield from insert_new(tx, "suspect", (fingerprint, instance), new)))


@statement("select count(*) from messaging.suspect where fingerprint = $1", returns="count")
def count_starts(tx: Transaction, parameters: Any) -> list[tuple[int]]:
    """How many processes have started with it."""
    return [(sum(v["fingerprint"] == parameters[0] for _, v in tx.see("suspect")),)]


@statement("delete from messaging.suspect where fingerprint = $1")
def clear_suspect(tx: Transaction, parameters: Any) -> Waits:
    """It has come to an end."""
    gone = yield from update(
        tx, "suspect", lambda v: v["fingerprint"] == parameters[0], lambda _: None
    )
    return len(gone)


@statement("delete from messaging.suspect where fingerprint = $1 and instance = $2")
def forget_start(tx: Transaction, parameters: Any) -> Waits:
    """A process takes its start back."""
    gone = yield from update_one(tx, "suspect", tuple(parameters), lambda _: None)
    return int(gone is not None)


@statement("select partitions from messaging.spread", returns="partitions")
def spread(tx: Transaction, _: Any) -> list[tuple[int]]:
    """Over how many queues the keys are spread."""
    return [(v["partitions"],) for _, v in tx.see("spread")]


@statement("retries._CLAIM", returns="event_id subscription attempts body headers type source key")
def claim(tx: Transaction, _: Any) -> Waits:
    """Spend an attempt of the one that is due longest, but for those that others have in hand."""
    due = [
        (values["next_attempt_at"], values["arrival"], row)
        for row, values in tx.see("open_message")
        if values["state"] == "retrying"
        and values["next_attempt_at"] <= tx.db.clock()
        and row.holder in (None, tx)
    ]
    if not due:
        return []
    row = min(due, key=lambda one: one[:2])[2]
    values = yield from tx.lock(row)
    changed = {
        **values,
        "attempts": values["attempts"] + 1,
        "next_attempt_at": tx.db.clock() + 30,
    }
    tx.write(row, changed)
    names = "event_id subscription attempts body headers type source key"
    return [tuple(changed[name] for name in names.split())]


@statement("retries._LOCK", returns="one")
def lock_claimed(tx: Transaction, parameters: Any) -> Waits:
    """Lock what was claimed, if nobody else has taken it since."""
    id, name, attempts = parameters

    def same(values: Values | None) -> bool:
        return (
            values is not None and values["state"] == "retrying" and values["attempts"] == attempts
        )

    if not same(tx.get("open_message", (id, name))):
        return []
    row = tx.db.tables["open_message"].rows[(id, name)]
    return [(1,)] if same((yield from tx.lock(row))) else []


@statement("retries._LOCK_TRACK", returns="sequence")
def lock_track(tx: Transaction, track: Any) -> Waits:
    """Lock a track: how far it is."""
    if tx.get("progress", tuple(track)) is None:
        return []
    values = yield from tx.lock(tx.db.tables["progress"].rows[tuple(track)])
    return [] if values is None else [(values["sequence"] or 0,)]


@statement("retries._HANDLED")
def handled(tx: Transaction, parameters: Any) -> Waits:
    """It is open no more."""
    id, name, late = parameters
    if (yield from update_one(tx, "open_message", (id, name), lambda _: None)) is None:
        return 0
    settled = {"settled_at": tx.db.clock(), "late": late}
    yield from update_one(tx, "inbox", (id, name), lambda _: settled)
    return 1


@statement("retries._FAILED")
def failed(tx: Transaction, parameters: Any) -> Waits:
    """An attempt has failed."""
    id, name, state, attempts, error, delay, history, _ = parameters
    changed = yield from update_one(
        tx,
        "open_message",
        (id, name),
        lambda _: {
            "state": state,
            "attempts": attempts,
            "error": error,
            "next_attempt_at": tx.db.clock() + delay,
            "history": history,
        },
    )
    return int(changed is not None)


@statement("retries._CLOSE_TRACK", returns="open")
def close_track(tx: Transaction, parameters: Any) -> Waits:
    """One open message fewer."""
    name, source, key, sequence = parameters
    row = yield from update_one(
        tx,
        "progress",
        (name, source, key),
        lambda old: {
            "open": old["open"] - 1,
            "sequence": greatest(old["sequence"], sequence),
        },
    )
    return [] if row is None else [(row["open"],)]


@statement("retries._PROMOTE")
def promote(tx: Transaction, track: Any) -> Waits:
    """The first that waits on the track has its turn."""
    waiting = [
        (v["arrival"], v["event_id"], v["subscription"])
        for _, v in tx.see("open_message")
        if v["state"] == "waiting" and (v["subscription"], v["source"], v["key"]) == tuple(track)
    ]
    if not waiting:
        return 0
    _, id, name = min(waiting)
    due = tx.db.clock()
    turn = {"state": "retrying", "next_attempt_at": due}
    yield from update_one(tx, "open_message", (id, name), lambda _: turn)
    return 1


@statement(
    "update messaging.open_message set state = 'retrying', attempts = 0, "
    "next_attempt_at = clock_timestamp(), note = $3, by = $4 "
    "where state = 'dead' and ($1::uuid is null or event_id = $1) "
    "and ($2::text is null or type = $2) returning event_id",
    returns="event_id",
)
def replay_dead(tx: Transaction, parameters: Any) -> Waits:
    """Dead messages have all attempts anew."""
    id, type, note, by = parameters
    rows = yield from update(
        tx,
        "open_message",
        lambda v: (
            v["state"] == "dead" and id in (None, v["event_id"]) and type in (None, v["type"])
        ),
        lambda _: {
            "state": "retrying",
            "attempts": 0,
            "next_attempt_at": tx.db.clock(),
            "note": note,
            "by": by,
        },
    )
    return [(row["event_id"],) for row in rows]


@statement(
    "update messaging.open_message set state = 'discarded', settled_at = clock_timestamp(), "
    "next_attempt_at = null, note = $3, by = $4 "
    "where event_id = $1 and state in ('dead', 'retrying') "
    "and ($2::text is null or subscription = $2) "
    "returning subscription, source, key",
    returns="subscription source key",
)
def discard(tx: Transaction, parameters: Any) -> Waits:
    """Given up for good."""
    id, name, note, by = parameters
    rows = yield from update(
        tx,
        "open_message",
        lambda v: (
            v["event_id"] == id
            and v["state"] in ("dead", "retrying")
            and name in (None, v["subscription"])
        ),
        lambda _: {
            "state": "discarded",
            "settled_at": tx.db.clock(),
            "next_attempt_at": None,
            "note": note,
            "by": by,
        },
    )
    return [(row["subscription"], row["source"], row["key"]) for row in rows]
