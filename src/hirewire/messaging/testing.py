"""For tests of any service: reads recorded events, and delivers an event without a broker."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.envelope import Context, headers_of, recorded_headers
from hirewire.messaging.event import EVENTS, Event
from hirewire.messaging.ids import new_id


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the log."""

    id: UUID
    type: str
    key: str
    sequence: int
    body: dict[str, Any]
    """The payload as a dictionary."""
    headers: dict[str, str]
    sent: bool

    @property
    def event(self) -> Event:
        """The body as its event class."""
        return EVENTS[self.type].model_validate(self.body)


async def recorded(engine: AsyncEngine, type: str | None = None) -> list[Recorded]:
    """All events recorded in this database, in order; of one type only when it is given."""
    async with engine.connect() as connection:
        result = await connection.exec_driver_sql(
            "select l.id, l.type, l.key, l.epoch, l.sequence, l.body::text as body, l.recorded_at, "
            "l.correlation_id, l.causation_id, l.traceparent, l.version, o.id is null as sent "
            "from messaging.log l left join messaging.outbox o using (id) "
            "where $1::text is null or type = $1 order by l.position",
            (type,),
        )
        return [
            Recorded(
                UUID(str(row["id"])),
                row["type"],
                row["key"],
                row["sequence"],
                json.loads(row["body"]),
                recorded_headers(row, EVENTS[row["type"]].owner),
                row["sent"],
            )
            for row in result.mappings()
        ]


def delivery(
    event: Event, *, id: UUID | None = None, sequence: int = 1, count: int = 0
) -> Delivery:
    """The delivery of `event`, as its owner would publish it."""
    id = id or new_id()
    headers = headers_of(
        type(event),
        id=id,
        key=event.key,
        sequence=sequence,
        time=datetime.now(UTC),
        context=Context(str(id)),
    )
    return Delivery(
        body=event.body(),
        routing_key=event.name,
        headers=headers,
        message_id=str(id),
        delivery_count=count,
    )


async def consume(consumer: Consumer, *events: Event | Delivery) -> None:
    """Let a consumer handle these as one batch; events get the sequences 1, 2, … of their keys."""
    deliveries: list[Delivery] = []
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, Delivery):
            deliveries.append(event)
            continue
        place = (event.owner, event.key)
        counts[place] = counts.get(place, 0) + 1
        deliveries.append(delivery(event, sequence=counts[place]))
    await consumer.handle(deliveries)


def bodies(rows: Sequence[Recorded]) -> list[dict[str, Any]]:
    """The payloads only."""
    return [row.body for row in rows]
