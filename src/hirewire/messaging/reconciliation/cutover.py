"""The cutover from a replay to live events, by watermarks in a subscriber's queue.

Between the two watermarks of a replay the subscriber drops live events of those types from the
owner, since the replay contains all of them in order: whatever the owner published before the high
watermark is in the queue once more before that watermark, addressed to this subscriber alone. So
the subscriber changes from the log to live events at one position of its queue, and nothing is
missed, duplicated or reordered.

Watermarks carry the number of their attempt: each relay that takes over a replay begins a new one.
A watermark of a former relay, or one repeated after the end, is ignored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import structlog

from hirewire.messaging.broker import Delivery, Message
from hirewire.messaging.control import WATERMARK
from hirewire.messaging.envelope import Malformed, source_of
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)

MOST_DIGITS = 9

_OPEN = """
select job, source, max(attempt) as attempt, array_agg(distinct type) as types
from messaging.awaiting where queue = any($1::text[]) group by job, source order by min(nth)
"""
_KNOWN = """
select 0 as ended, job, source, max(attempt) as attempt, array_agg(type) as types, min(nth) as nth
from messaging.awaiting where queue = $1 group by job, source
union all
select 1, job, null, attempt, null, null from messaging.replay_ended where queue = $1
order by ended, nth
"""
_BEGIN = """
insert into messaging.awaiting as a (queue, type, job, source, attempt)
select $1, unnest($2::text[]), $3, $4, $5
where not exists (
    select from messaging.replay_ended where queue = $1 and job = $3 and attempt >= $5)
on conflict (queue, type, job) do update
set source = excluded.source, attempt = greatest(a.attempt, excluded.attempt)
"""
# An owner works off replays of one type one after the other: a replay that began before this one is
# over, even if its own high watermark never arrived.
_END = """
with mine as (
    select type, source, nth from messaging.awaiting
    where queue = $1 and job = $2 and attempt <= $3
), ended as (
    insert into messaging.replay_ended as e (queue, job, attempt) values ($1, $2, $3)
    on conflict (queue, job) do update
    set attempt = greatest(e.attempt, excluded.attempt), ended_at = excluded.ended_at
)
delete from messaging.awaiting a using mine m
where a.queue = $1 and a.type = m.type and (a.job = $2
    or ($3 > 0 and a.nth < m.nth and (a.source is null or a.source = m.source)))
"""
_PRUNE = """
delete from messaging.replay_ended
where queue = $1 and ended_at < clock_timestamp() - interval '60 days'
"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """The beginning or end of a replay in a queue."""

    replay: UUID
    types: tuple[str, ...]
    edge: Literal["begin", "end"]
    source: str | None
    """The owner of the replayed events, according to these; None if it was not stored."""
    attempt: int


def watermark_message(to: str, watermark: Watermark) -> Message:
    """The watermark as a message to one subscriber."""
    headers = {
        "specversion": "1.0",
        "id": str(watermark.replay),
        "type": WATERMARK,
        "source": watermark.source or "",
        "edge": watermark.edge,
        "attempt": str(watermark.attempt),
        "types": ",".join(watermark.types),
    }
    return Message(str(watermark.replay), WATERMARK, str(watermark.replay), b"{}", headers, to=to)


def watermark_of(delivery: Delivery, services: frozenset[str] = frozenset()) -> Watermark | None:
    """The watermark in this message, or None.

    Raises `Malformed` for an incomplete one, and for one whose sender (verified by the broker) is
    another one of `services` than its owner.
    """
    headers = delivery.headers
    if headers.get("type") != WATERMARK:
        return None
    edge, source = headers.get("edge"), headers.get("source") or None
    try:
        replay = UUID(headers.get("id", ""))
    except ValueError:
        raise Malformed("a watermark without an id") from None
    if not _sent_by(delivery, source, services):
        raise Malformed(f"a watermark of {source}, but {delivery.user_id} sent it")
    types = tuple(dict.fromkeys(headers.get("types", "").split(",")))
    if not all(text.isprintable() for text in (*types, source or "")):
        raise Malformed("a watermark with control characters")
    attempt = headers.get("attempt", "0")
    if not attempt.isascii() or not attempt.isdigit() or len(attempt) > MOST_DIGITS:
        raise Malformed("header attempt: not a whole number")
    if edge == "begin":
        return Watermark(replay, types, "begin", source, int(attempt))
    if edge == "end":
        return Watermark(replay, types, "end", source, int(attempt))
    raise Malformed("header edge: neither begin nor end")


def _sent_by(delivery: Delivery, source: str | None, services: frozenset[str]) -> bool:
    """Whether the sender verified by the broker, if any, is consistent with this source."""
    sender = delivery.user_id
    return sender is None or sender not in services or source_of(sender) == source


@dataclass(slots=True)
class _Open:
    """A replay that has begun in a queue and not ended."""

    source: str | None
    attempt: int
    types: set[str]
    superseded: int = field(default=0)


class OpenReplays:
    """The open replays of one queue, as its consumer knows them."""

    def __init__(self, services: frozenset[str] = frozenset()) -> None:
        self._services = services
        self._open: dict[UUID, _Open] = {}
        self._ended: dict[UUID, int] = {}

    async def load(self, tx: Tx, queue: str) -> None:
        """Load the open replays from the ledger.

        The active consumer must do so before it reads its first delivery: until then others process
        the watermarks.
        """
        rows = (await tx.exec_driver_sql(_KNOWN, (queue,))).all()
        self._open = {
            UUID(str(row.job)): _Open(row.source, row.attempt, set(row.types))
            for row in rows
            if not row.ended
        }
        self._ended = {UUID(str(row.job)): row.attempt for row in rows if row.ended}

    def pass_watermark(self, watermark: Watermark) -> None:
        """Process a watermark that was read from the queue."""
        known = self._open.get(watermark.replay)
        if watermark.edge == "begin":
            if self._ended.get(watermark.replay, -1) >= watermark.attempt:
                return
            if known is None:
                self._open[watermark.replay] = _Open(
                    watermark.source, watermark.attempt, set(watermark.types)
                )
            else:
                known.types.update(watermark.types)
                known.source, known.attempt = (
                    watermark.source,
                    max(known.attempt, watermark.attempt),
                )
            return
        self._ended[watermark.replay] = max(
            self._ended.get(watermark.replay, -1), watermark.attempt
        )
        if known is not None and known.attempt <= watermark.attempt:
            self._end(watermark.replay, known, watermark.attempt)

    def _end(self, replay: UUID, ended: _Open, attempt: int) -> None:
        log.info("replay ended", replay=str(replay), superseded=ended.superseded)
        for id, one in list(self._open.items()):
            if id == replay:
                del self._open[id]
                return
            if attempt > 0 and one.source in (None, ended.source):
                one.types -= ended.types
                if not one.types:
                    del self._open[id]

    def drops(self, delivery: Delivery, type: str) -> bool:
        """Whether an open replay contains this event: it has the replay's owner and type."""
        if not self._open or delivery.routing_key.startswith("to."):
            return False
        source = delivery.headers.get("source")
        for replay, one in self._open.items():
            if type in one.types and (
                one.source is None
                or (one.source == source and _sent_by(delivery, source, self._services))
            ):
                if not one.superseded:
                    log.info(
                        "live events dropped during a replay", replay=str(replay), event_type=type
                    )
                one.superseded += 1
                return True
        return False


async def open_in(tx: Tx, queues: Sequence[str]) -> list[Watermark]:
    """Low watermarks of the replays that are open in these queues, in their order."""
    result = await tx.exec_driver_sql(_OPEN, (list(queues),))
    return [
        Watermark(UUID(str(row.job)), tuple(row.types), "begin", row.source, row.attempt)
        for row in result
    ]


async def note(tx: Tx, watermarks: Iterable[Watermark], queue: str) -> None:
    """Store processed watermarks, in their order."""
    for watermark in watermarks:
        if watermark.edge == "begin":
            columns = (
                queue,
                list(watermark.types),
                watermark.replay,
                watermark.source,
                watermark.attempt,
            )
            await tx.exec_driver_sql(_BEGIN, columns)
        else:
            await tx.exec_driver_sql(_END, (queue, watermark.replay, watermark.attempt))
            await tx.exec_driver_sql(_PRUNE, (queue,))


async def forget(tx: Tx, queue: str) -> None:
    """Delete the open replays of a queue that is no longer consumed."""
    await tx.exec_driver_sql("delete from messaging.awaiting where queue = $1", (queue,))


def low_watermark(service: str, replay: UUID, types: Sequence[str], attempt: int) -> Watermark:
    """The low watermark of a replay of a service's events."""
    return Watermark(replay, tuple(types), "begin", source_of(service), attempt)


def high_watermark(service: str, replay: UUID, types: Sequence[str], attempt: int) -> Watermark:
    """The high watermark of a replay of a service's events."""
    return Watermark(replay, tuple(types), "end", source_of(service), attempt)
