"""Statements of barriers, watermarks, subscribers and the audit."""

from collections.abc import Callable
from typing import Any, TypeAlias

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits, visible
from simulate.postgres.sessions import epoch_of, lock_for_transaction
from simulate.postgres.shared import insert_new, moment, update, update_one, upsert

UNREADABLE = "(unreadable)"
RANK = {
    state: place
    for place, state in enumerate(
        ("missing", "in flight", "dead", "retrying", "waiting", "discarded", "handled")
    )
}


def listening(tx: Transaction) -> list[Values]:
    """The current rows of the list of subscribers."""
    return [values for _, values in tx.see("listener") if values["until"] is None]


@statement("barriers._ASK")
def ask(tx: Transaction, parameters: Any) -> Waits:
    """Request a barrier."""
    new = {"id": parameters[0], "asked_at": tx.db.clock(), "snapshot": None, "reached": []}
    new |= {"published_at": None, "epoch": 0}
    yield from tx.insert("fence", parameters[0], new)
    return 1


@statement("barriers._OPEN", returns="id snapshot reached")
def open_fences(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """Barriers that are not in all queues yet."""
    rows = [v for _, v in tx.see("fence") if v["published_at"] is None]
    rows.sort(key=lambda v: v["id"])
    return [(v["id"], v["snapshot"], v["reached"]) for v in rows]


@statement("barriers._TAKE_SNAPSHOT")
def take_snapshot(tx: Transaction, parameters: Any) -> Waits:
    """Take the snapshot that the barrier follows."""
    new = {"snapshot": tx.db.snapshot(), "epoch": epoch_of(tx)}
    changed = yield from update_one(
        tx, "fence", parameters[0], lambda _: new, lambda old: old["snapshot"] is None
    )
    return int(changed is not None)


def _unsent_before(tx: Transaction, id: Any) -> list[Values]:
    """The unsent events that its snapshot sees."""
    barrier = tx.get("fence", id)
    if barrier is None or barrier["snapshot"] is None:
        return []
    return [v for _, v in tx.see("outbox") if visible(v["xact"], barrier["snapshot"])]


@statement("barriers._WAITS", returns="exists")
def waits(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Whether anything before the barrier is unsent, except events that keep failing."""
    failing = [v for _, v in tx.see("outbox") if v["next_attempt_at"] is not None]
    return [
        (
            any(
                not any(b["key"] == v["key"] and b["position"] <= v["position"] for b in failing)
                for v in _unsent_before(tx, parameters[0])
            ),
        )
    ]


@statement("barriers._NOTE_UNSENT")
def note_unsent(tx: Transaction, parameters: Any) -> Waits:
    """Note the events that the barrier does not cover."""
    [id] = parameters
    count = 0
    for v in _unsent_before(tx, id):
        new = {"fence_id": id, "event_id": v["id"]}
        count += yield from insert_new(tx, "fence_unsent", (id, v["id"]), new)
    return count


@statement("barriers._IN_ALL")
def in_all(tx: Transaction, parameters: Any) -> Waits:
    """Note that the barrier is in all queues."""
    now = tx.db.clock()
    changed = yield from update_one(tx, "fence", parameters[0], lambda _: {"published_at": now})
    return int(changed is not None)


@statement("barriers._SERVICES", returns="service")
def services(tx: Transaction, _: Any) -> list[tuple[str]]:
    """The services that consume anything of this owner."""
    return [(name,) for name in sorted({values["service"] for values in listening(tx)})]


@statement(
    "update messaging.fence f set reached = f.reached || $2::text[], "
    "published_at = case when not exists (select from messaging.listener l "
    "where l.until is null and l.service <> all(f.reached || $2::text[])) "
    "then clock_timestamp() end where id = $1"
)
def sent(tx: Transaction, parameters: Any) -> Waits:
    """Note the queues that the barrier is in now; returns whether these are all."""
    id, more = parameters
    now = tx.db.clock()

    def change(old: Values) -> Values:
        all_reached = [*old["reached"], *more]
        left = any(values["service"] not in all_reached for values in listening(tx))
        return {"reached": all_reached, "published_at": None if left else now}

    yield from update_one(tx, "fence", id, change)
    return 1


@statement(
    "select reached, published_at, (select count(*) from messaging.fence_unsent "
    "where fence_id = id) as unsent from messaging.fence where id = $1",
    returns="reached published_at unsent",
)
def find(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """Read one barrier."""
    row = tx.get("fence", parameters[0])
    if row is None:
        return []
    at = row["published_at"]
    unsent = sum(v["fence_id"] == parameters[0] for _, v in tx.see("fence_unsent"))
    return [(row["reached"], None if at is None else moment(at), unsent)]


@statement("barriers._REACHED")
def consume(tx: Transaction, parameters: Any) -> Waits:
    """Note that a barrier has come through a queue."""
    ids, queue = parameters
    for id in ids:
        new = {"fence_id": id, "queue": queue, "heard_at": tx.db.clock()}
        yield from insert_new(tx, "fence_heard", (id, queue), new)
    return len(ids)


@statement(
    "select queue from messaging.fence_heard where fence_id = $1 order by queue", returns="queue"
)
def heard(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """The queues through which it has come."""
    found = [v["queue"] for _, v in tx.see("fence_heard") if v["fence_id"] == parameters[0]]
    return [(queue,) for queue in sorted(found)]


def _ended_at(tx: Transaction, queue: str, job: Any) -> int:
    """The highest attempt of a replay that has ended; -1 for none."""
    known = tx.get("replay_ended", (queue, job))
    return -1 if known is None else int(known["attempt"])


@statement("cutover._BEGIN")
def begin(tx: Transaction, parameters: Any) -> Waits:
    """Note that a replay has begun in a queue."""
    queue, types, job, source, attempt = parameters
    if _ended_at(tx, queue, job) >= attempt:
        return 0
    for type in types:
        new = {"queue": queue, "type": type, "job": job, "source": source, "attempt": attempt}
        new["nth"] = tx.db.nextval("awaiting")
        yield from upsert(tx, "awaiting", (queue, type, job), new, _again(source, attempt))
    return len(types)


def _again(source: str | None, attempt: int) -> Callable[[Values], Values]:
    return lambda old: {"source": source, "attempt": max(old["attempt"], attempt)}


@statement("cutover._END")
def end(tx: Transaction, parameters: Any) -> Waits:
    """Note that a replay has ended in a queue, and with it earlier replays of the same types."""
    queue, job, attempt = parameters
    there = [v for _, v in tx.see("awaiting") if v["queue"] == queue]
    mine = [v for v in there if v["job"] == job and v["attempt"] <= attempt]
    now = tx.db.clock()
    new = {"queue": queue, "job": job, "attempt": attempt, "ended_at": now}
    yield from upsert(
        tx,
        "replay_ended",
        (queue, job),
        new,
        lambda old: {"attempt": max(old["attempt"], attempt), "ended_at": now},
    )
    count = 0
    for v in there:
        if any(_ends(v, m, job, attempt) for m in mine):
            key = (queue, v["type"], v["job"])
            count += (yield from update_one(tx, "awaiting", key, lambda _: None)) is not None
    return count


def _ends(values: Values, ended: Values, job: Any, attempt: int) -> bool:
    if values["type"] != ended["type"]:
        return False
    before = values["nth"] < ended["nth"] and values["source"] in (None, ended["source"])
    return values["job"] == job or (attempt > 0 and before)


@statement("cutover._PRUNE")
def prune(tx: Transaction, parameters: Any) -> Waits:
    """Delete replays that ended long ago."""
    least = tx.db.clock() - 60 * 86400
    gone = yield from update(
        tx,
        "replay_ended",
        lambda v: v["queue"] == parameters[0] and v["ended_at"] < least,
        lambda _: None,
    )
    return len(gone)


@statement("cutover._KNOWN", returns="ended job source attempt types nth")
def known_replays(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """Replays that have begun and not ended, and ended ones."""
    groups: dict[tuple[Any, Any], list[Values]] = {}
    for _, v in tx.see("awaiting"):
        if v["queue"] == parameters[0]:
            groups.setdefault((v["job"], v["source"]), []).append(v)
    rows: list[tuple[Any, ...]] = [
        (
            0,
            *group,
            max(v["attempt"] for v in some),
            sorted(v["type"] for v in some),
            min(v["nth"] for v in some),
        )
        for group, some in groups.items()
    ]
    rows.sort(key=lambda row: row[5])
    over = [v for _, v in tx.see("replay_ended") if v["queue"] == parameters[0]]
    return [*rows, *((1, v["job"], None, v["attempt"], None, None) for v in over)]


LISTENER_TABLE = -1
"""The number of the lock that stands for the table's lock; nothing else here is negative."""


@statement("subscribers._ALONE")
def alone(tx: Transaction, _: Any) -> Waits:
    """Lock the list of subscribers against other writers until the end of the transaction."""
    return (yield from lock_for_transaction(tx, (LISTENER_TABLE,)))


@statement("subscribers._ENDED")
def ended(tx: Transaction, parameters: Any) -> Waits:
    """Whoever is not on the new list stops consuming."""
    expected = list(zip(*parameters, strict=True))
    xact = tx.xact()
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["until"] is None and (v["type"], v["service"]) not in expected,
        lambda _: {"until": xact},
    )
    return len(rows)


@statement("subscribers._BEGUN")
def begun(tx: Transaction, parameters: Any) -> Waits:
    """Whoever is new on the list starts consuming."""
    there = [(v["type"], v["service"]) for v in listening(tx)]
    count = 0
    for type, service in zip(*parameters, strict=True):
        if (type, service) in there:
            continue
        there.append((type, service))
        if (yield from _listed_meanwhile(tx, type, service)):
            continue
        new: Values = {"type": type, "service": service, "since": tx.xact(), "until": None}
        new["since_epoch"] = epoch_of(tx)
        yield from tx.insert("listener", (type, service, tx.xact()), new)
        count += 1
    return count


def _listed_meanwhile(tx: Transaction, type: str, service: str) -> Waits:
    """Whether another transaction has added it; waits for open transactions."""
    while True:
        rows = [
            row for key, row in tx.db.tables["listener"].rows.items() if key[:2] == (type, service)
        ]
        there = [row for row in rows if _is_open(row.committed) or _is_open(row.pending)]
        others = [row.holder.session for row in there if row.holder not in (None, tx)]
        if not others:
            return any(
                _is_open(row.pending if row.holder is tx else row.committed) for row in there
            )
        yield others


def _is_open(values: Values | None) -> bool:
    return values is not None and values["until"] is None


@statement(
    "replay._LISTED",
    "select type from messaging.listener where service = $1 and until is null",
    returns="type",
)
def subscribed(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """The subscriptions of a service."""
    return [(v["type"],) for v in listening(tx) if v["service"] == parameters[0]]


@statement("audit._LOG", returns="id type listeners unsent")
def recorded_before(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """The events before the barrier, and who was subscribed when they were recorded."""
    id, since, after, limit = parameters
    barrier = tx.get("fence", id)
    if barrier is None or barrier["snapshot"] is None:
        return []
    rows = [
        v
        for _, v in tx.see("log")
        if v["id"] >= since
        and v["id"] > after
        and (
            v["epoch"] < barrier["epoch"]
            or (v["epoch"] == barrier["epoch"] and visible(v["xact"], barrier["snapshot"]))
        )
    ]
    rows.sort(key=lambda v: v["id"])
    return [
        (
            v["id"],
            v["type"],
            sorted(
                s["service"]
                for s in listening(tx)
                if s["type"] == v["type"]
                and (v["epoch"], v["xact"]) >= (s["since_epoch"], s["since"])
            ),
            tx.get("fence_unsent", (id, v["id"])) is not None,
        )
        for v in rows[:limit]
    ]


@statement("audit._ENTERED", returns="event_id subscriptions heard_at")
def entered(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What these handlers have consumed of their owners' events."""
    names, since, after, limit = parameters
    first = min((v["since"] for _, v in tx.see("lineage")), default=float("inf"))
    groups: dict[Any, list[Values]] = {}
    for _, v in tx.see("inbox"):
        if (
            v["event_id"] >= since
            and v["event_id"] > after
            and v["subscription"] in names
            and v["origin"] is None
            and v["heard_at"] >= first
        ):
            groups.setdefault(v["event_id"], []).append(v)
    return [
        (
            id,
            sorted(v["subscription"] for v in groups[id]),
            moment(min(v["heard_at"] for v in groups[id])),
        )
        for id in sorted(groups)[:limit]
    ]


@statement("audit._UNKNOWN", returns="id")
def unknown(tx: Transaction, parameters: Any) -> list[tuple[Any]]:
    """The events that are not in the log."""
    return [(id,) for id in parameters[0] if tx.get("log", id) is None]


@statement("audit._FLOW", returns="sent entered")
def flow(tx: Transaction, _: Any) -> list[tuple[int, int]]:
    """Monotonic counts. The server's own lag a little; these are exact."""
    tables = tx.db.tables
    sent = len(tables["log"].committed()) - len(tables["outbox"].committed())
    return [(sent, len(tables["inbox"].committed()))]


@statement("select messaging.first_id(inbox_from) from messaging.retention", returns="first_id")
def retained_from(tx: Transaction, _: Any) -> list[tuple[Any]]:
    """Retention never runs here."""
    return []


@statement("audit._STATES", returns="event_id state note by late")
def states(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """The states of events; with several handlers the worst state counts."""
    ids, types, heard_types, names = parameters
    handlers = list(zip(heard_types, names, strict=True))
    found = []
    for id, type in sorted(zip(ids, types, strict=True)):
        invocations = [_state(tx, id, *invocation) for invocation in _units(tx, id, type, handlers)]
        if invocations:
            worst = min(invocations, key=lambda invocation: RANK[invocation[0]])
            found.append((id, *worst[:3], any(invocation[3] for invocation in invocations)))
    return found


_Unit: TypeAlias = tuple[str, str, bool, bool]
"""Type, subscription, whether it is entered, whether it was late."""


def _units(tx: Transaction, id: Any, type: str, handlers: list[tuple[str, str]]) -> list[_Unit]:
    """One for each handler that has entered the event, or should have."""
    there = [
        v for _, v in tx.see("inbox") if v["event_id"] == id and v["subscription"] != UNREADABLE
    ]
    invocations: list[_Unit] = [(type, v["subscription"], True, v["late"]) for v in there]
    for heard_type, name in handlers:
        since = max((v["since"] for _, v in tx.see("handler") if v["name"] == name), default=None)
        if heard_type == type and not any(
            v["subscription"] == name or (since is not None and v["heard_at"] < since)
            for v in there
        ):
            invocations.append((type, name, False, False))
    kept = tx.get("open_message", (id, UNREADABLE))
    if kept is not None:
        invocations.append((kept["type"], UNREADABLE, True, False))
    return invocations


def _state(
    tx: Transaction, id: Any, type: str, name: str, is_entered: bool, late: bool
) -> tuple[str, Any, Any, bool]:
    kept = tx.get("open_message", (id, UNREADABLE)) or tx.get("open_message", (id, name))
    if kept is not None:
        return kept["state"], kept["note"], kept["by"], late
    if is_entered:
        return "handled", None, None, late
    awaited = any(v["type"] == type for _, v in tx.see("awaiting"))
    return "in flight" if awaited else "missing", None, None, late
