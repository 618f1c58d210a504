"""Statements of barriers (fences), marks, listeners and the audit."""

from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits, visible
from simulate.postgres.shared import insert_new, moment, update, update_one

UNREADABLE = "(unreadable)"
RANK = {
    state: place
    for place, state in enumerate(
        ("missing", "dead", "retrying", "waiting", "discarded", "handled")
    )
}


def listening(tx: Transaction) -> list[Values]:
    """The open rows of the list of listeners."""
    return [values for _, values in tx.see("listener") if values["until"] is None]


@statement("fences._ASK")
def ask(tx: Transaction, parameters: Any) -> Waits:
    """A barrier is asked for."""
    new = {"id": parameters[0], "asked_at": tx.db.clock(), "snapshot": None, "reached": []}
    new |= {"published_at": None, "unsent": []}
    yield from tx.insert("fence", parameters[0], new)
    return 1


@statement("fences._OPEN", returns="id snapshot reached")
def open_fences(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """Those that are not in all queues yet."""
    rows = [v for _, v in tx.see("fence") if v["published_at"] is None]
    rows.sort(key=lambda v: v["id"])
    return [(v["id"], v["snapshot"], v["reached"]) for v in rows]


@statement("fences._TAKE_SNAPSHOT")
def take_snapshot(tx: Transaction, parameters: Any) -> Waits:
    """What it is to stand behind."""
    snapshot = tx.db.snapshot()
    yield from update_one(
        tx,
        "fence",
        parameters[0],
        lambda old: {"snapshot": snapshot if old["snapshot"] is None else old["snapshot"]},
    )
    return 1


@statement("fences._UNSENT", returns="id stuck")
def unsent_before(tx: Transaction, parameters: Any) -> list[tuple[Any, bool]]:
    """What its snapshot sees and is not sent; whether that keeps failing."""
    fence = tx.get("fence", parameters[0])
    if fence is None or fence["snapshot"] is None:
        return []
    unsent = [values for _, values in tx.see("outbox")]
    found = []
    for one in unsent:
        if visible(one["xact"], fence["snapshot"]):
            stuck = any(
                b["key"] == one["key"]
                and b["next_attempt_at"] is not None
                and b["position"] <= one["position"]
                for b in unsent
            )
            found.append((one["id"], stuck))
    found.sort(key=lambda one: one[1])
    return found[: parameters[1]]


@statement("fences._SERVICES", returns="service")
def services(tx: Transaction, _: Any) -> list[tuple[str]]:
    """Who hears anything of this owner."""
    return [(name,) for name in sorted({values["service"] for values in listening(tx)})]


@statement("fences._REACHED")
def reached(tx: Transaction, parameters: Any) -> Waits:
    """Note how far it is."""
    id, services, unsent, everywhere = parameters
    now = tx.db.clock()
    new: Values = {"reached": list(services), "unsent": list(unsent)}
    new["published_at"] = now if everywhere else None
    yield from update_one(tx, "fence", id, lambda _: new)
    return 1


@statement(
    "update messaging.fence f set reached = f.reached || $2::text[], "
    "published_at = case when not exists (select from messaging.listener l "
    "where l.until is null and l.service <> all(f.reached || $2::text[])) "
    "then clock_timestamp() end where id = $1"
)
def sent(tx: Transaction, parameters: Any) -> Waits:
    """It is in these queues now; and whether it is in all."""
    id, more = parameters
    now = tx.db.clock()

    def change(old: Values) -> Values:
        all_reached = [*old["reached"], *more]
        left = any(values["service"] not in all_reached for values in listening(tx))
        return {"reached": all_reached, "published_at": None if left else now}

    yield from update_one(tx, "fence", id, change)
    return 1


@statement(
    "select reached, published_at, unsent from messaging.fence where id = $1",
    returns="reached published_at unsent",
)
def find(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """One of them."""
    row = tx.get("fence", parameters[0])
    if row is None:
        return []
    at = row["published_at"]
    return [(row["reached"], None if at is None else moment(at), row["unsent"])]


@statement("fences._HEARD")
def hear(tx: Transaction, parameters: Any) -> Waits:
    """It has come through a queue."""
    ids, queue = parameters
    for id in ids:
        new = {"fence_id": id, "queue": queue, "heard_at": tx.db.clock()}
        yield from insert_new(tx, "fence_heard", (id, queue), new)
    return len(ids)


@statement(
    "select queue from messaging.fence_heard where fence_id = $1 order by queue", returns="queue"
)
def heard(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """Through which queues it has come."""
    found = [v["queue"] for _, v in tx.see("fence_heard") if v["fence_id"] == parameters[0]]
    return [(queue,) for queue in sorted(found)]


@statement("handover._BEGIN")
def begin(tx: Transaction, parameters: Any) -> Waits:
    """A replay has begun in a queue."""
    queue, types, job = parameters
    for type in types:
        new = {"queue": queue, "type": type, "job": job}
        yield from insert_new(tx, "awaiting", (queue, type, job), new)
    return len(types)


@statement("handover._END")
def end(tx: Transaction, parameters: Any) -> Waits:
    """A replay has ended in a queue."""
    queue, types, job = parameters
    count = 0
    for type in types:
        gone = yield from update_one(tx, "awaiting", (queue, type, job), lambda _: None)
        count += gone is not None
    return count


@statement("select type, job from messaging.awaiting where queue = $1", returns="type job")
def awaiting(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """Replays that have begun and not ended."""
    rows = [v for _, v in tx.see("awaiting") if v["queue"] == parameters[0]]
    return [(v["type"], v["job"]) for v in rows]


@statement("listeners._ENDED")
def ended(tx: Transaction, parameters: Any) -> Waits:
    """Whoever is not on the new list hears no more."""
    wanted = list(zip(*parameters, strict=True))
    xact = tx.xact()
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["until"] is None and (v["type"], v["service"]) not in wanted,
        lambda _: {"until": xact},
    )
    return len(rows)


@statement("listeners._BEGUN")
def begun(tx: Transaction, parameters: Any) -> Waits:
    """Whoever is new on the list hears from now on."""
    there = [(v["type"], v["service"]) for v in listening(tx)]
    count = 0
    for type, service in zip(*parameters, strict=True):
        if (type, service) in there:
            continue
        new = {"type": type, "service": service, "since": tx.xact(), "until": None}
        yield from tx.insert("listener", (type, service, tx.xact()), new)
        count += 1
    return count


@statement(
    "select type from messaging.listener where service = $1 and until is null", returns="type"
)
def listened(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """What a service is on the list for."""
    return [(v["type"],) for v in listening(tx) if v["service"] == parameters[0]]


@statement("audit._LOG", returns="id type listeners")
def recorded_before(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What the barrier stands behind, and who was listening when it was recorded."""
    id, since, after, limit = parameters
    fence = tx.get("fence", id)
    if fence is None or fence["snapshot"] is None:
        return []
    rows = [
        v
        for _, v in tx.see("log")
        if v["id"] >= since and v["id"] > after and visible(v["xact"], fence["snapshot"])
    ]
    rows.sort(key=lambda v: v["id"])
    return [
        (
            v["id"],
            v["type"],
            sorted(
                s["service"]
                for s in listening(tx)
                if s["type"] == v["type"] and v["xact"] >= s["since"]
            ),
        )
        for v in rows[:limit]
    ]


@statement("audit._STATES", returns="event_id state note by late")
def states(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """What is known of events; of several handlers the one that is worst off counts."""
    ids, types, heard_types, names = parameters
    found = []
    for id, type in sorted(zip(ids, types, strict=True)):
        units = [
            _unit(tx, id, name)
            for heard_type, name in zip(heard_types, names, strict=True)
            if heard_type == type
        ]
        if units:
            worst = min(units, key=lambda unit: RANK[unit[0]])
            found.append((id, *worst[:3], any(unit[3] for unit in units)))
    return found


def _unit(tx: Transaction, id: Any, name: str) -> tuple[str, Any, Any, bool]:
    entered = tx.get("inbox", (id, name))
    kept = tx.get("open_message", (id, UNREADABLE)) or tx.get("open_message", (id, name))
    late = bool(entered and entered["late"])
    if kept is not None:
        return kept["state"], kept["note"], kept["by"], late
    return "missing" if entered is None else "handled", None, None, late
