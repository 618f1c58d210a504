"""Statements of the requests: replay and repair."""

import json
from functools import partial
from typing import Any

import asyncpg

from simulate.postgres.catalogue import constant, statement
from simulate.postgres.engine import Transaction, Values, Waits, visible
from simulate.postgres.publishing import LOG, log_row
from simulate.postgres.sessions import epoch_of
from simulate.postgres.shared import insert_new, moment, update, update_one

JOB = "id kind asked asked_by asked_at state total done outcome finished_at"


def job_row(tx: Transaction, **given: Any) -> Values:
    """A new row of a request."""
    return {
        "asked_by": "",
        "asked_at": tx.db.clock(),
        "state": "open",
        "snapshot": None,
        "pass_position": None,
        "pass_snapshot": None,
        "total": None,
        "done": 0,
        "outcome": None,
        "finished_at": None,
        "held": False,
        "attempt": 0,
        "announced": False,
        "first_snapshot": None,
        "first_epoch": 0,
        "next_attempt_at": None,
        **given,
    }


@statement("requests._ASK")
def ask(tx: Transaction, parameters: Any) -> Waits:
    """Create a request, unless it exists."""
    id, kind, asked, by = parameters
    new = job_row(tx, id=id, kind=kind, asked=asked, asked_by=by)
    return int((yield from insert_new(tx, "job", id, new)))


@statement(
    "select count(*) from messaging.job where kind = $1 and asked = $2::jsonb", returns="count"
)
def count_asked(tx: Transaction, parameters: Any) -> list[tuple[int]]:
    """How often the same request was made."""
    kind, asked = parameters[0], json.loads(parameters[1])
    rows = [v for _, v in tx.see("job") if v["kind"] == kind and json.loads(v["asked"]) == asked]
    return [(len(rows),)]


@statement(
    "insert into messaging.job (id, kind, asked, asked_by, state, total, done, finished_at) "
    "values (gen_random_uuid(), $1, $2::jsonb, $3, 'done', $4, $4, clock_timestamp())"
)
def note_done(tx: Transaction, parameters: Any) -> Waits:
    """Store a request that was completed at once."""
    kind, asked, by, number = parameters
    id = ("done", tx.db.nextval("job"))
    new = job_row(tx, id=id, kind=kind, asked=asked, asked_by=by)
    new |= {"state": "done", "total": number, "done": number, "finished_at": tx.db.clock()}
    yield from tx.insert("job", id, new)
    return 1


@statement(
    "select id, kind, asked, asked_by, asked_at, state, total, done, outcome, finished_at "
    "from messaging.job where id = $1",
    returns=JOB,
)
def find(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """One request."""
    row = tx.get("job", parameters[0])
    if row is None:
        return []
    at, finished = row["asked_at"], row["finished_at"]
    shown = row | {"asked_at": moment(at)}
    shown["finished_at"] = None if finished is None else moment(finished)
    return [tuple(shown[name] for name in JOB.split())]


ROW = (
    "id asked cutover held attempt announced first_snapshot first_epoch snapshot pass_snapshot "
    "position outcome due"
)


def _shown(tx: Transaction, values: Values) -> tuple[Any, ...]:
    at = values["next_attempt_at"]
    shown = values | {
        "cutover": bool(json.loads(values["asked"]).get("handover")),
        "position": values["pass_position"] or 0,
        "due": at is None or at <= tx.db.clock(),
    }
    return tuple(shown[name] for name in ROW.split())


@statement("replay._OPEN", returns=ROW)
def open_jobs(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """Requests that the relay has to work on."""
    rows = [
        v for _, v in tx.see("job") if v["state"] == "open" and v["kind"] in ("replay", "repair")
    ]
    rows.sort(key=lambda v: (v["asked_at"], v["id"]))
    return [_shown(tx, v) for v in rows]


@statement(f"select {constant('replay._COLUMNS')} from messaging.job where id = $1", returns=ROW)
def read_job(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """One of them."""
    row = tx.get("job", parameters[0])
    return [] if row is None else [_shown(tx, row)]


@statement("replay._TAKE_OVER", returns=ROW)
def take_over(tx: Transaction, _: Any) -> Waits:
    """Start another attempt of a request in progress."""
    rows = yield from update(
        tx,
        "job",
        lambda v: (
            v["state"] == "open"
            and v["first_snapshot"] is not None
            and bool(json.loads(v["asked"]).get("handover"))
        ),
        lambda old: {"attempt": old["attempt"] + 1, "announced": False},
    )
    return [_shown(tx, v) for v in rows]


def _fresh(tx: Transaction, values: Values, parameters: Any) -> bool:
    """Whether the event was not yet published when the request began."""
    first, job, epoch = parameters[7:10]
    return (
        values["epoch"] > epoch
        or (values["epoch"] == epoch and not visible(values["xact"], first))
        or tx.get("job_unsent", (job, values["position"])) is not None
    )


def chosen(tx: Transaction, parameters: Any, *, cutover: bool) -> list[tuple[Values, bool]]:
    """The events of a pass, in the order of their positions, and whether they are fresh."""
    types, first, last, key, ids, snapshot, before = parameters[:7]
    epoch = epoch_of(tx)
    found = []
    for _, v in tx.see("log"):
        if v["type"] not in types:
            continue
        if v["epoch"] >= epoch and not visible(v["xact"], snapshot):
            continue
        if before is not None and (v["epoch"] != epoch or visible(v["xact"], before)):
            continue
        asked = (
            first <= v["id"] < last and key in (None, v["key"]) and (ids is None or v["id"] in ids)
        )
        fresh = _fresh(tx, v, parameters)
        if (asked or fresh) if cutover else (asked and not fresh):
            found.append((v, fresh))
    found.sort(key=lambda one: one[0]["position"])
    return found


NEXT = LOG.replace("id type", "id position type") + " fresh"


def _next_events(tx: Transaction, parameters: Any, *, cutover: bool) -> list[tuple[Any, ...]]:
    """The next chunk of a pass."""
    position, limit = parameters[10:]
    rows = [one for one in chosen(tx, parameters, cutover=cutover) if one[0]["position"] > position]
    shown = [(log_row(v), v["position"], fresh) for v, fresh in rows[:limit]]
    return [(row[0], place, *row[1:], fresh) for row, place, fresh in shown]


for _cutover in (True, False):
    statement(f"replay._NEXT[{_cutover}]", returns=NEXT)(partial(_next_events, cutover=_cutover))


def _count(tx: Transaction, parameters: Any, *, cutover: bool) -> list[tuple[int]]:
    """The number of events in a pass."""
    return [(len(chosen(tx, parameters, cutover=cutover)),)]


for _cutover in (True, False):
    statement(f"replay._COUNT[{_cutover}]", returns="count")(partial(_count, cutover=_cutover))


@statement(
    "insert into messaging.job_unsent (job, position) "
    "select $1, position from messaging.outbox on conflict do nothing"
)
def keep_unsent(tx: Transaction, parameters: Any) -> Waits:
    """Note which events are unsent when the request begins."""
    count = 0
    for _, v in tx.see("outbox"):
        if tx.get("job", parameters[0]) is None:
            raise asyncpg.ForeignKeyViolationError("there is no such job")
        key = (parameters[0], v["position"])
        new = {"job": key[0], "position": key[1]}
        count += yield from insert_new(tx, "job_unsent", key, new)
    return count


@statement("delete from messaging.job_unsent where job = $1")
def forget_unsent(tx: Transaction, parameters: Any) -> Waits:
    """Delete these notes when the request ends."""
    gone = yield from update(tx, "job_unsent", lambda v: v["job"] == parameters[0], lambda _: None)
    return len(gone)


@statement(
    "insert into messaging.job (id, kind, asked, asked_by, held) "
    "values ($1, 'replay', $2::jsonb, 'migrate', true)"
)
def file_held(tx: Transaction, parameters: Any) -> Waits:
    """Store a request that must not end yet."""
    id, asked = parameters
    new = job_row(tx, id=id, kind="replay", asked=asked, asked_by="migrate", held=True)
    yield from tx.insert("job", id, new)
    return 1


@statement("update messaging.job set held = false, outcome = null where held and state = 'open'")
def release(tx: Transaction, _: Any) -> Waits:
    """Allow these requests to end."""
    rows = yield from update(
        tx,
        "job",
        lambda v: v["held"] and v["state"] == "open",
        lambda _: {"held": False, "outcome": None},
    )
    return len(rows)


@statement(
    "update messaging.job set first_snapshot = $2::text::pg_snapshot, first_epoch = $3, "
    "pass_snapshot = $4::text::pg_snapshot, attempt = $5, total = $6 where id = $1"
)
def begin(tx: Transaction, parameters: Any) -> Waits:
    """Begin, or begin again."""
    id, first, epoch, taken, attempt, total = parameters
    new = {"first_snapshot": first, "first_epoch": epoch, "pass_snapshot": taken}
    return (yield from change_job(tx, id, **new, attempt=attempt, total=total))


@statement("update messaging.job set announced = true where id = $1 and attempt = $2")
def announced(tx: Transaction, parameters: Any) -> Waits:
    """Note that the low watermark of this attempt is in the queue."""
    id, attempt = parameters
    row = yield from update_one(
        tx, "job", id, lambda _: {"announced": True}, lambda v: v["attempt"] == attempt
    )
    return int(row is not None)


@statement("update messaging.job set outcome = $2 where id = $1")
def explain(tx: Transaction, parameters: Any) -> Waits:
    """Note why the request does not proceed."""
    id, why = parameters
    return (yield from change_job(tx, id, outcome=why))


@statement(
    "update messaging.job set next_attempt_at = clock_timestamp() + $2 * interval '1 second' "
    "where id = $1"
)
def put_off(tx: Transaction, parameters: Any) -> Waits:
    """Postpone the request."""
    id, seconds = parameters
    return (yield from change_job(tx, id, next_attempt_at=tx.db.clock() + seconds))


@statement("select pg_current_snapshot()::text", returns="snapshot")
def snapshot(tx: Transaction, _: Any) -> list[tuple[str]]:
    """A snapshot of what is committed now."""
    return [(tx.db.snapshot(),)]


def change_job(tx: Transaction, id: Any, **new: Any) -> Waits:
    """Update a request."""
    row = yield from update_one(tx, "job", id, lambda _: new)
    return int(row is not None)


@statement(
    "update messaging.job set snapshot = pass_snapshot, pass_position = 0, "
    "pass_snapshot = $2::text::pg_snapshot where id = $1"
)
def next_pass(tx: Transaction, parameters: Any) -> Waits:
    """Begin another pass."""
    id, taken = parameters
    row = yield from update_one(
        tx,
        "job",
        id,
        lambda old: {
            "snapshot": old["pass_snapshot"],
            "pass_position": 0,
            "pass_snapshot": taken,
        },
    )
    return int(row is not None)


@statement(
    "update messaging.job set pass_position = $2, done = done + $3, outcome = null, "
    "total = greatest(total, done + $3) where id = $1"
)
def go_on(tx: Transaction, parameters: Any) -> Waits:
    """Note that a chunk was sent."""
    id, position, number = parameters
    row = yield from update_one(
        tx,
        "job",
        id,
        lambda old: {**_more(old, number), "pass_position": position, "outcome": None},
    )
    return int(row is not None)


@statement(
    "update messaging.job set done = done + $2, total = greatest(total, done + $2) where id = $1"
)
def count_more(tx: Transaction, parameters: Any) -> Waits:
    """Count the last chunk."""
    row = yield from update_one(tx, "job", parameters[0], lambda old: _more(old, parameters[1]))
    return int(row is not None)


def _more(old: Values, number: int) -> Values:
    done = old["done"] + number
    return {"done": done, "total": max(old["total"] or 0, done)}


@statement(
    "update messaging.job set state = $2, outcome = $3, finished_at = clock_timestamp() "
    "where id = $1"
)
def finish(tx: Transaction, parameters: Any) -> Waits:
    """Finish the request."""
    id, state, outcome = parameters
    now = tx.db.clock()
    return (yield from change_job(tx, id, state=state, outcome=outcome, finished_at=now))


@statement("replay._FORGET_FORMER")
def forget_former(tx: Transaction, parameters: Any) -> Waits:
    """Former subscriptions of the service do not count any more."""
    service, types = parameters
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["service"] == service and v["type"] in types and v["until"] is not None,
        lambda _: None,
    )
    return len(rows)


@statement("replay._CONSUMES_ALL")
def heard_all(tx: Transaction, parameters: Any) -> Waits:
    """From now on the audit expects the whole history to be consumed."""
    service, types = parameters
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["service"] == service and v["type"] in types and v["until"] is None,
        lambda _: {"since": 3, "since_epoch": 0},
    )
    return len(rows)


@statement(
    "select distinct type from messaging.listener where service = $1 and until is null order by 1",
    returns="type",
)
def types_of_subscriber(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """The event types that a service subscribes to, in order."""
    types = {
        v["type"]
        for _, v in tx.see("listener")
        if v["service"] == parameters[0] and v["until"] is None
    }
    return [(type,) for type in sorted(types)]
