"""From history to the present: watermarks in a subscriber's queue around a replay of the log.

Between the two watermarks of a replay the subscriber drops what arrives of those types from the
owner in the usual way, since the replay brings all of it, in order: whatever the owner published
before the last watermark is in front of that watermark once more, addressed to this subscriber
alone. So the subscriber changes over from the log to the present at one place of its queue, and
nothing is missed, doubled or out of order.

Watermarks carry the number of their attempt: each relay that takes a replay over begins a new one.
A watermark that a former relay left on its way, or that is repeated after the end, is ignored.
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
# An owner works off replays of one type one after the other: what has begun before this one is
# over, also when its own high watermark never came.
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
    """Begin or end of a replay in a queue."""

    replay: UUID
    types: tuple[str, ...]
    edge: Literal["begin", "end"]
    source: str | None
    """Whose events the replay brings, as these say it; None where it was not kept."""
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
    """The watermark that this is, if it is one.

    Raises `Malformed` for half a watermark, and for one whose sender (verified by the broker) is
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
    """Whether nothing that the broker itself says of the sender speaks against this source."""
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
        """Read it from the ledger.

        To be done by the active consumer, before it reads its first delivery: until then others
        pass the watermarks.
        """
        rows = (await tx.exec_driver_sql(_KNOWN, (queue,))).all()
        self._open = {
            UUID(str(row.job)): _Open(row.source, row.attempt, set(row.types))
            for row in rows
            if not row.ended
        }
        self._ended = {UUID(str(row.job)): row.attempt for row in rows if row.ended}

    def pass_watermark(self, watermark: Watermark) -> None:
        """A watermark was read in the queue."""
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
        """Whether a replay brings this event itself: it is the owner's, and of such a type."""
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
    """Enter watermarks that were passed, in their order."""
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
    """Forget the replays that are open in a queue which nobody consumes any more."""
    await tx.exec_driver_sql("delete from messaging.awaiting where queue = $1", (queue,))


def low_watermark(service: str, replay: UUID, types: Sequence[str], attempt: int) -> Watermark:
    """The watermark in front of a replay of a service's events."""
    return Watermark(replay, tuple(types), "begin", source_of(service), attempt)


def high_watermark(service: str, replay: UUID, types: Sequence[str], attempt: int) -> Watermark:
    """The watermark behind a replay of a service's events."""
    return Watermark(replay, tuple(types), "end", source_of(service), attempt)
