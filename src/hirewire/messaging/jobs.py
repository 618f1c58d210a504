"""What operators ask of the log: a tracked job, worked off by the relay piece by piece.

A *replay* sends what the log holds of some types to one listening service alone. With `handover`
it runs into the present between two marks (see `handover`): in passes, each of which sends what a
snapshot sees and the one before did not; the last one, and the mark behind it, are sent with
nothing else of this owner under way.

A *repair* sends single events to one service again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import structlog

from hirewire.messaging import handover
from hirewire.messaging.broker import Broker, BrokerMisconfigured, Message, Outcome
from hirewire.messaging.envelope import message_of
from hirewire.messaging.outbox import Tx

log = structlog.get_logger(__name__)

PIECE = 1000
"""Events sent between two looks at the outbox."""
LAST_PASS = 500
"""A pass of fewer events than this is the last one."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that was asked, and how far it is."""

    id: UUID
    kind: str
    asked: Mapping[str, Any]
    asked_by: str
    asked_at: datetime
    state: str
    total: int | None
    done: int
    outcome: str | None
    finished_at: datetime | None


_COLUMNS = "id, kind, asked, asked_by, asked_at, state, total, done, outcome, finished_at"
_ASK = """
insert into messaging.job (id, kind, asked, asked_by) values ($1, $2, $3::jsonb, $4)
on conflict (id) do nothing
"""
_CHOSEN = """
l.type = any($1::text[])
  and l.id >= $2 and l.id < $3
  and ($4::text is null or l.key = $4)
  and ($5::uuid[] is null or l.id = any($5))
  and pg_visible_in_snapshot(l.xact, $6::text::pg_snapshot)
  and ($7::text is null or not pg_visible_in_snapshot(l.xact, $7::text::pg_snapshot))
"""
_NEXT = f"""
select id, position, type, key, sequence, correlation_id, causation_id, traceparent, recorded_at,
    version, body
from messaging.log l where {_CHOSEN} and l.position > $8 order by l.position limit $9
"""  # noqa: S608
_COUNT = f"select count(*) from messaging.log l where {_CHOSEN}"  # noqa: S608
_OPEN = """
select id, kind, asked, snapshot::text, pass_snapshot::text, coalesce(pass_position, 0) as position,
    total, done
from messaging.job where state = 'open' and kind in ('replay', 'repair') order by asked_at
"""


# The audit expects those who have been given all of the past to have heard it.
_FORGET_FORMER = """
delete from messaging.listener
where service = $1 and type = any($2::text[]) and until is not null
"""
_HEARD_ALL = """
update messaging.listener set since = '3'
where service = $1 and type = any($2::text[]) and until is null
"""


async def ask(
    tx: Tx, kind: str, asked: Mapping[str, Any], *, by: str, again: bool = False
) -> tuple[UUID, bool]:
    """Ask for a job. The same request again is the same job, done once, unless `again`.

    Returns its id, and whether it is new.
    """
    text = json.dumps(asked, sort_keys=True, default=str)
    count = 0
    if again:
        result = await tx.exec_driver_sql(
            "select count(*) from messaging.job where kind = $1 and asked = $2::jsonb", (kind, text)
        )
        count = result.scalar_one()
    id = uuid5(NAMESPACE_URL, f"{kind} {text} {count or ''}")
    result = await tx.exec_driver_sql(_ASK, (id, kind, text, by))
    return id, result.rowcount == 1


async def file_history(connection: asyncpg.Connection, id: UUID, to: str, types: list[str]) -> None:
    """Have all of the log's past sent to a new listener, in the caller's transaction."""
    asked = json.dumps({"to": to, "types": sorted(types), "handover": True}, sort_keys=True)
    await connection.execute(_ASK, id, "replay", asked, "migrate")


async def listened_by(tx: Tx, service: str) -> list[str]:
    """The types of this owner that a service is on the list for."""
    result = await tx.exec_driver_sql(
        "select distinct type from messaging.listener where service = $1 and until is null "
        "order by 1",
        (service,),
    )
    return [row.type for row in result]


async def note_done(tx: Tx, kind: str, asked: Mapping[str, Any], *, by: str, done: int) -> None:
    """Keep what was asked and done in one transaction, as a job that is finished."""
    await tx.exec_driver_sql(
        "insert into messaging.job (id, kind, asked, asked_by, state, total, done, finished_at) "
        "values (gen_random_uuid(), $1, $2::jsonb, $3, 'done', $4, $4, clock_timestamp())",
        (kind, json.dumps(asked, sort_keys=True, default=str), by, done),
    )


async def find(tx: Tx, id: UUID) -> Job | None:
    """One job."""
    result = await tx.exec_driver_sql(
        f"select {_COLUMNS} from messaging.job where id = $1",  # noqa: S608
        (id,),
    )
    row = result.first()
    return _job(row) if row is not None else None


async def latest(tx: Tx, limit: int = 50) -> list[Job]:
    """The newest jobs first."""
    result = await tx.exec_driver_sql(
        f"select {_COLUMNS} from messaging.job order by asked_at desc limit $1",  # noqa: S608
        (limit,),
    )
    return [_job(row) for row in result]


async def matching(tx: Tx, asked: Mapping[str, Any]) -> int:
    """How many events of the log a replay would send now."""
    result = await tx.exec_driver_sql(
        f"{_COUNT} and $7::text is null".replace("$6::text::pg_snapshot", "pg_current_snapshot()")
        + " and $6::text is null",
        (*_arguments(asked), None, None),
    )
    number: int = result.scalar_one()
    return number


async def work(connection: asyncpg.Connection, service: str, broker: Broker) -> bool:
    """One piece of each open job, with nothing else of this owner under way. True for more."""
    more = False
    for row in await connection.fetch(_OPEN):
        asked = json.loads(row["asked"])
        try:
            more = await _piece(connection, service, broker, row, asked) or more
        except BrokerMisconfigured as error:
            await _finish(connection, row["id"], "failed", str(error))
    return more


async def _piece(
    connection: asyncpg.Connection,
    service: str,
    broker: Broker,
    row: asyncpg.Record,
    asked: Mapping[str, Any],
) -> bool:
    if row["pass_snapshot"] is None:
        return await _begin(connection, service, broker, row["id"], asked)
    arguments = (*_arguments(asked), row["pass_snapshot"], row["snapshot"])
    rows = await connection.fetch(_NEXT, *arguments, row["position"], PIECE)
    if rows:
        if not await publish_in_order(
            broker, [_directed(r, service, row["id"], asked) for r in rows]
        ):
            return False  # the queue is not there: its service will make it, and then it goes on
        await connection.execute(
            "update messaging.job set pass_position = $2, done = done + $3, "
            "total = greatest(total, done + $3) where id = $1",
            row["id"],
            rows[-1]["position"],
            len(rows),
        )
        if len(rows) == PIECE:
            return True
    if asked.get("handover") and not await _hand_over(connection, broker, row, asked, service):
        return True
    await _finish(connection, row["id"], "done", "sent")
    return False


async def _begin(
    connection: asyncpg.Connection,
    service: str,
    broker: Broker,
    id: UUID,
    asked: Mapping[str, Any],
) -> bool:
    """Mark the beginning and take the first pass's snapshot; False when there is no queue yet."""
    if asked.get("handover"):
        mark = handover.begin_mark(id, asked["types"])
        if not await publish_in_order(broker, [handover.mark_message(service, asked["to"], mark)]):
            return False
    snapshot = await connection.fetchval("select pg_current_snapshot()::text")
    total = await connection.fetchval(_COUNT, *_arguments(asked), snapshot, None)
    await connection.execute(
        "update messaging.job set pass_snapshot = $2::text::pg_snapshot, total = $3 where id = $1",
        id,
        snapshot,
        total,
    )
    return True


async def _hand_over(
    connection: asyncpg.Connection,
    broker: Broker,
    row: asyncpg.Record,
    asked: Mapping[str, Any],
    service: str,
) -> bool:
    """After a pass: another one for what came meanwhile, or, when that is little, the last of it
    and the mark. True once that is in the queue.
    """
    snapshot = await connection.fetchval("select pg_current_snapshot()::text")
    arguments = (*_arguments(asked), snapshot, row["pass_snapshot"])
    rows = await connection.fetch(_NEXT, *arguments, 0, LAST_PASS)
    if len(rows) == LAST_PASS:
        await connection.execute(
            "update messaging.job set snapshot = pass_snapshot, pass_position = 0, "
            "pass_snapshot = $2::text::pg_snapshot where id = $1",
            row["id"],
            snapshot,
        )
        return False
    mark = handover.end_mark(row["id"], asked["types"])
    messages = [_directed(r, service, row["id"], asked) for r in rows]
    if not await publish_in_order(broker, messages):
        return False
    if not await publish_in_order(broker, [handover.mark_message(service, asked["to"], mark)]):
        return False
    await connection.execute(
        "update messaging.job set done = done + $2, total = greatest(total, done + $2) "
        "where id = $1",
        row["id"],
        len(rows),
    )
    if asked.get("since") is None:
        async with connection.transaction():
            await connection.execute(_FORGET_FORMER, asked["to"], asked["types"])
            await connection.execute(_HEARD_ALL, asked["to"], asked["types"])
    return True


async def publish_in_order(broker: Broker, messages: Sequence[Message]) -> bool:
    """Publish, one of a key at a time; False when some did not reach the queue."""
    waves: list[list[Message]] = []
    depth: dict[str, int] = {}
    for message in messages:
        nth = depth.get(message.key, 0)
        depth[message.key] = nth + 1
        if nth == len(waves):
            waves.append([])
        waves[nth].append(message)
    for wave in waves:
        outcomes = await broker.publish(wave)
        if refusal := next((message.refusal for message in wave if message.refusal), None):
            raise BrokerMisconfigured(refusal)
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            return False
    return True


async def _finish(connection: asyncpg.Connection, id: UUID, state: str, outcome: str) -> None:
    await connection.execute(
        "update messaging.job set state = $2, outcome = $3, finished_at = clock_timestamp() "
        "where id = $1",
        id,
        state,
        outcome,
    )
    log.info("job ended", job=str(id), state=state, outcome=outcome)


def _directed(row: asyncpg.Record, service: str, job: UUID, asked: Mapping[str, Any]) -> Message:
    """The event as a message to one service; with `again` under an id of its own.

    That id begins with the same time, so that it lies in the same day of the inbox, and is always
    the same for this event and job: a repeat is recognised. It carries no sequence, since the key
    has been further already.
    """
    message = replace(message_of(row, service), to=asked["to"])
    if not asked.get("again"):
        return message
    id = str(_id_of_repeat(row["id"], job))
    headers = dict(message.headers) | {"id": id, "replayof": message.id}
    del headers["sequence"]
    return replace(message, id=id, headers=headers)


def _id_of_repeat(id: UUID, job: UUID) -> UUID:
    """A UUIDv7 of the same millisecond, the rest from a digest."""
    digest = int.from_bytes(hashlib.sha256(job.bytes + id.bytes).digest()[:10])
    fixed = 0x7 << 76 | 0b10 << 62
    rest = digest & ~(0xF << 76) & ~(0b11 << 62) & (2**80 - 1)
    return UUID(int=(id.int >> 80) << 80 | rest | fixed)


def _arguments(asked: Mapping[str, Any]) -> tuple[Any, ...]:
    """Types, first and last id, key, single ids: the parameters of `_CHOSEN`."""
    ids = asked.get("ids")
    return (
        asked["types"],
        _first_id(asked.get("since"), UUID(int=0)),
        _first_id(asked.get("until"), UUID(int=2**128 - 1)),
        asked.get("key"),
        [UUID(one) for one in ids] if ids is not None else None,
    )


def _first_id(text: str | None, default: UUID) -> UUID:
    if text is None:
        return default
    return UUID(int=int(datetime.fromisoformat(text).timestamp() * 1000) << 80)


def _job(row: Any) -> Job:
    return Job(
        UUID(str(row.id)),
        row.kind,
        row.asked if isinstance(row.asked, dict) else json.loads(row.asked),
        row.asked_by,
        row.asked_at,
        row.state,
        row.total,
        row.done,
        row.outcome,
        row.finished_at,
    )
