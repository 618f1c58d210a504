"""From history to the present: marks in a listener's queue around a replay of the log.

Between the two marks of a replay the listener drops what arrives of those types in the usual way,
since the replay brings all of it, in order: whatever the owner published before the last mark is in
front of that mark once more, addressed to this listener alone. So the listener changes over from
the log to the present at one place of its queue, and nothing is missed, doubled or out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from hirewire.messaging.broker import Delivery, Message
from hirewire.messaging.envelope import Malformed, source_of
from hirewire.messaging.outbox import Tx

NAME = "hirewire.history"
"""Type of a mark; not an event."""

_BEGIN = """
insert into messaging.awaiting (queue, type, job) select $1, unnest($2::text[]), $3
on conflict do nothing
"""
_END = "delete from messaging.awaiting where queue = $1 and type = any($2::text[]) and job = $3"


@dataclass(frozen=True, slots=True)
class Mark:
    """Begin or end of a replay in a queue."""

    job: UUID
    types: tuple[str, ...]
    edge: Literal["begin", "end"]


def mark_message(service: str, to: str, mark: Mark) -> Message:
    """The mark as a message to one listener."""
    headers = {
        "specversion": "1.0",
        "id": str(mark.job),
        "type": NAME,
        "source": source_of(service),
        "edge": mark.edge,
        "types": ",".join(mark.types),
    }
    return Message(str(mark.job), NAME, str(mark.job), b"{}", headers, to=to)


def mark_of(delivery: Delivery) -> Mark | None:
    """The mark that this is, if it is one. Raises `Malformed` for half a mark."""
    headers = delivery.headers
    if headers.get("type") != NAME:
        return None
    edge = headers.get("edge")
    try:
        job = UUID(headers.get("id", ""))
    except ValueError:
        raise Malformed("a mark without an id") from None
    if edge == "begin":
        return Mark(job, tuple(headers.get("types", "").split(",")), "begin")
    if edge == "end":
        return Mark(job, tuple(headers.get("types", "").split(",")), "end")
    raise Malformed("header edge: neither begin nor end")


class Awaited:
    """What one queue's consumer knows of replays that have begun and not ended."""

    def __init__(self) -> None:
        self._open: set[tuple[str, UUID]] = set()

    async def load(self, tx: Tx, queue: str) -> None:
        """Read it from the books, when beginning to consume."""
        result = await tx.exec_driver_sql(
            "select type, job from messaging.awaiting where queue = $1", (queue,)
        )
        self._open = {(row.type, UUID(str(row.job))) for row in result}

    def pass_mark(self, mark: Mark) -> None:
        """A mark was read in the queue."""
        pairs = {(type, mark.job) for type in mark.types}
        self._open = self._open | pairs if mark.edge == "begin" else self._open - pairs

    def drops(self, delivery: Delivery, type: str) -> bool:
        """Whether the replay brings this event itself."""
        return (
            bool(self._open)
            and not delivery.routing_key.startswith("to.")
            and any(type == awaited for awaited, _ in self._open)
        )


async def note(tx: Tx, marks: Iterable[Mark], queue: str) -> None:
    """Enter marks that were passed, in their order."""
    for mark in marks:
        statement = _BEGIN if mark.edge == "begin" else _END
        await tx.exec_driver_sql(statement, (queue, list(mark.types), mark.job))


def begin_mark(job: UUID, types: Sequence[str]) -> Mark:
    """The mark in front of a replay."""
    return Mark(job, tuple(types), "begin")


def end_mark(job: UUID, types: Sequence[str]) -> Mark:
    """The mark behind a replay."""
    return Mark(job, tuple(types), "end")
