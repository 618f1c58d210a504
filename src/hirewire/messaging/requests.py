"""Operators' requests to the log: replays and repairs, executed by the relay.

A *replay* publishes the log's events of some types to one subscriber only. With `handover` it
continues into live events, between two watermarks (see `cutover`). A *repair* publishes single
events to one service again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict
from uuid import NAMESPACE_URL, UUID, uuid5

from hirewire.messaging.transaction import Tx


class Asked(TypedDict):
    """The parameters of a replay or a repair, as JSON."""

    to: str
    """The subscriber that gets the events."""
    types: list[str]
    since: NotRequired[str]
    until: NotRequired[str]
    key: NotRequired[str]
    again: NotRequired[bool]
    ids: NotRequired[list[str]]
    handover: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class Request:
    """A request and its progress."""

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
ASKED = """
(l.id >= $2 and l.id < $3
  and ($4::text is null or l.key = $4)
  and ($5::uuid[] is null or l.id = any($5)))
"""
"""Whether a row `l` of the log is requested, except for its type; `arguments` are its parameters.
"""
# A cutover includes unsent events as well: the subscriber drops those.
_MATCHING = f"""
select count(*) from messaging.log l
where l.type = any($1::text[]) and ({ASKED}
    or ($6 and exists (select from messaging.outbox o where o.position = l.position)))
"""  # noqa: S608


async def ask(
    tx: Tx, kind: str, asked: Mapping[str, Any], *, by: str, again: bool = False
) -> tuple[UUID, bool]:
    """Create a request. The same one again has no further effect, unless `again`.

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


async def types_of_subscriber(tx: Tx, service: str) -> list[str]:
    """The types of this owner to which a service subscribes."""
    result = await tx.exec_driver_sql(
        "select distinct type from messaging.listener where service = $1 and until is null "
        "order by 1",
        (service,),
    )
    return [row.type for row in result]


async def note_done(tx: Tx, kind: str, asked: Mapping[str, Any], *, by: str, done: int) -> None:
    """Store an action completed in this transaction as a finished request."""
    await tx.exec_driver_sql(
        "insert into messaging.job (id, kind, asked, asked_by, state, total, done, finished_at) "
        "values (gen_random_uuid(), $1, $2::jsonb, $3, 'done', $4, $4, clock_timestamp())",
        (kind, json.dumps(asked, sort_keys=True, default=str), by, done),
    )


async def find(tx: Tx, id: UUID) -> Request | None:
    """One request."""
    result = await tx.exec_driver_sql(
        f"select {_COLUMNS} from messaging.job where id = $1",  # noqa: S608
        (id,),
    )
    row = result.first()
    return _request(row) if row is not None else None


async def latest(tx: Tx, limit: int = 50) -> list[Request]:
    """The newest requests, latest first."""
    result = await tx.exec_driver_sql(
        f"select {_COLUMNS} from messaging.job order by asked_at desc limit $1",  # noqa: S608
        (limit,),
    )
    return [_request(row) for row in result]


async def matching(tx: Tx, asked: Mapping[str, Any]) -> int:
    """How many events of the log a replay would publish now."""
    cutover = bool(asked.get("handover"))
    result = await tx.exec_driver_sql(_MATCHING, (*arguments(asked), cutover))
    number: int = result.scalar_one()
    return number


def arguments(asked: Mapping[str, Any]) -> tuple[Any, ...]:
    """Types, first and last id, key, single ids: the parameters of `ASKED`."""
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


def _request(row: Any) -> Request:
    return Request(
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
