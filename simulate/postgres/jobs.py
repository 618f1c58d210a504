"""Statements of the jobs: replay and repair."""

import json
from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Values, Waits, visible
from simulate.postgres.publishing import LOG, log_row
from simulate.postgres.shared import insert_new, moment, update, update_one

JOB = "id kind asked asked_by asked_at state total done outcome finished_at"


def job_row(tx: Transaction, **given: Any) -> Values:
    """A new job."""
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
        **given,
    }


@statement("jobs._ASK")
def ask(tx: Transaction, parameters: Any) -> Waits:
    """Ask for a job, once."""
    id, kind, asked, by = parameters
    new = job_row(tx, id=id, kind=kind, asked=asked, asked_by=by)
    return int((yield from insert_new(tx, "job", id, new)))


@statement(
    "select count(*) from messaging.job where kind = $1 and asked = $2::jsonb", returns="count"
)
def count_asked(tx: Transaction, parameters: Any) -> list[tuple[int]]:
    """How often the same was asked."""
    kind, asked = parameters[0], json.loads(parameters[1])
    rows = [v for _, v in tx.see("job") if v["kind"] == kind and json.loads(v["asked"]) == asked]
    return [(len(rows),)]


@statement(
    "insert into messaging.job (id, kind, asked, asked_by, state, total, done, finished_at) "
    "values (gen_random_uuid(), $1, $2::jsonb, $3, 'done', $4, $4, clock_timestamp())"
)
def note_done(tx: Transaction, parameters: Any) -> Waits:
    """Keep what was asked and done at once."""
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
    """One job."""
    row = tx.get("job", parameters[0])
    if row is None:
        return []
    at, finished = row["asked_at"], row["finished_at"]
    shown = row | {"asked_at": moment(at)}
    shown["finished_at"] = None if finished is None else moment(finished)
    return [tuple(shown[name] for name in JOB.split())]


@statement("jobs._OPEN", returns="id kind asked snapshot pass_snapshot position total done")
def open_jobs(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """Those that the relay has to work off."""
    rows = [
        v for _, v in tx.see("job") if v["state"] == "open" and v["kind"] in ("replay", "repair")
    ]
    rows.sort(key=lambda v: v["asked_at"])
    return [
        (
            v["id"],
            v["kind"],
            v["asked"],
            v["snapshot"],
            v["pass_snapshot"],
            v["pass_position"] or 0,
            v["total"],
            v["done"],
        )
        for v in rows
    ]


def chosen(tx: Transaction, parameters: Any) -> list[Values]:
    """The events of a replay's pass, in the order of their positions."""
    types, first, last, key, ids, snapshot, before = parameters[:7]
    rows = [
        v
        for _, v in tx.see("log")
        if v["type"] in types
        and first <= v["id"] < last
        and key in (None, v["key"])
        and (ids is None or v["id"] in ids)
        and visible(v["xact"], snapshot)
        and (before is None or not visible(v["xact"], before))
    ]
    rows.sort(key=lambda v: v["position"])
    return rows


@statement("jobs._NEXT", returns=LOG)
def next_events(tx: Transaction, parameters: Any) -> list[tuple[Any, ...]]:
    """The next piece of a pass."""
    position, limit = parameters[7:]
    rows = [v for v in chosen(tx, parameters) if v["position"] > position]
    return [log_row(v) for v in rows[:limit]]


@statement("jobs._COUNT", returns="count")
def count(tx: Transaction, parameters: Any) -> list[tuple[int]]:
    """How many there are in a pass."""
    return [(len(chosen(tx, parameters)),)]


@statement("select pg_current_snapshot()::text", returns="snapshot")
def snapshot(tx: Transaction, _: Any) -> list[tuple[str]]:
    """What is committed now."""
    return [(tx.db.snapshot(),)]


def change_job(tx: Transaction, id: Any, **new: Any) -> Waits:
    """Note something about a job."""
    row = yield from update_one(tx, "job", id, lambda _: new)
    return int(row is not None)


@statement(
    "update messaging.job set pass_snapshot = $2::text::pg_snapshot, total = $3 where id = $1"
)
def begin_pass(tx: Transaction, parameters: Any) -> Waits:
    """The first pass begins."""
    id, taken, total = parameters
    return (yield from change_job(tx, id, pass_snapshot=taken, total=total))


@statement(
    "update messaging.job set snapshot = pass_snapshot, pass_position = 0, "
    "pass_snapshot = $2::text::pg_snapshot where id = $1"
)
def next_pass(tx: Transaction, parameters: Any) -> Waits:
    """Another pass begins."""
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
    "update messaging.job set pass_position = $2, done = done + $3, "
    "total = greatest(total, done + $3) where id = $1"
)
def go_on(tx: Transaction, parameters: Any) -> Waits:
    """A piece was sent."""
    id, position, number = parameters
    row = yield from update_one(
        tx, "job", id, lambda old: {**_more(old, number), "pass_position": position}
    )
    return int(row is not None)


@statement(
    "update messaging.job set done = done + $2, total = greatest(total, done + $2) where id = $1"
)
def count_more(tx: Transaction, parameters: Any) -> Waits:
    """The last piece was sent."""
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
    """It has ended."""
    id, state, outcome = parameters
    now = tx.db.clock()
    return (yield from change_job(tx, id, state=state, outcome=outcome, finished_at=now))


@statement("jobs._FORGET_FORMER")
def forget_former(tx: Transaction, parameters: Any) -> Waits:
    """Former times on the list do not count any more."""
    service, types = parameters
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["service"] == service and v["type"] in types and v["until"] is not None,
        lambda _: None,
    )
    return len(rows)


@statement("jobs._HEARD_ALL")
def heard_all(tx: Transaction, parameters: Any) -> Waits:
    """The audit expects all of the past to have been heard."""
    service, types = parameters
    rows = yield from update(
        tx,
        "listener",
        lambda v: v["service"] == service and v["type"] in types and v["until"] is None,
        lambda _: {"since": 3},
    )
    return len(rows)


@statement(
    "select distinct type from messaging.listener where service = $1 and until is null order by 1",
    returns="type",
)
def listened_by(tx: Transaction, parameters: Any) -> list[tuple[str]]:
    """What a service is on the list for, in order."""
    types = {
        v["type"]
        for _, v in tx.see("listener")
        if v["service"] == parameters[0] and v["until"] is None
    }
    return [(type,) for type in sorted(types)]
