"""The open streams of this process, and which of them get an event."""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from prometheus_client import Counter, Gauge

from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import message_id_of, type_of

Side = Literal["person", "company"]
CONCERNS: dict[str, tuple[Side, ...]] = {
    "user.role_changed": ("person",),
    "user.blocked": ("person",),
    "profile.updated": ("person",),
    "resume.updated": ("person",),
    "employer.profile.created": ("person",),
    "recommendation.created": ("person", "company"),
    "recommendation.withdrawn": ("person", "company"),
    "application.submitted": ("person", "company"),
    "application.stage_changed": ("person", "company"),
    "application.message_sent": ("person", "company"),
    **dict.fromkeys(
        (
            "interview.proposed",
            "interview.chosen",
            "interview.declined",
            "interview.cancelled",
        ),
        ("person", "company"),
    ),
    "interview.abandoned": ("company",),
    "vacancy.published": ("company",),
    "vacancy.updated": ("company",),
    "vacancy.paused": ("company",),
    "vacancy.closed": ("company",),
    "notice.created": ("person",),
}
"""The recipients of each event: the user in its `userId`, the members of its `companyId`."""
REFUSING = ("user.blocked", "user.erased")
"""The events that end the streams of their person."""
CONSUMED = tuple({**CONCERNS, **dict.fromkeys(REFUSING)})
SENT_FIELDS = ("resumeId", "vacancyId", "applicationId", "recommendationId")
"""The fields of an event that are sent: a company does not learn whose resume it is."""
ACTIVITY = "activity"
"""The name of the message that every employer gets, without content, soon after a resume changed.
"""
SOON, APART, AFTER = 0.12, 0.5, 1.5
"""Seconds: from a change to its notification, because `vacancies` consumes it at the same time;
between two notifications; and to a final one after the last change, in case a service was slow.
"""
RING = 1000
LONGEST_QUEUE = 256
MOST_STREAMS = 20
CATCH_UP = b"event: catch-up\ndata: {}\n\n"
INTERRUPTED = b"event: interrupted\ndata: {}\n\n"
REFUSED = b"event: user.blocked\ndata: {}\n\n"
"""The last message of a stream whose person may not read on: the page loads again."""

_open = Gauge("hirewire_live_streams", "Open live streams")
_sent = Counter("hirewire_live_told_total", "Events put into live streams")


class TooManyStreams(AppError):
    """The limit of open streams has been reached."""

    slug = "too-many-streams"
    code = "too_many_streams"
    kind = Kind.TOO_MANY


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """An event in the form sent to streams."""

    id: str
    audience: frozenset[tuple[Side, str]]
    text: bytes


@dataclass(eq=False, slots=True)
class Stream:
    """The stream of an open page."""

    user_id: str
    company_id: str | None
    queue: deque[bytes] = field(default_factory=deque)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    is_behind: bool = False
    has_ended: bool = False
    is_doubtful: bool = False
    """Whether the person may have been blocked or erased while events were missed."""

    def send(self, text: bytes) -> None:
        """Queue a message. A full queue is cleared, and the page gets `catch-up`."""
        if len(self.queue) >= LONGEST_QUEUE:
            self.queue.clear()
            self.is_behind = True
        if self.is_behind:
            if not self.queue:
                self.queue.append(CATCH_UP)
        else:
            self.queue.append(text)
            _sent.inc()
        self.waiting.set()

    def end(self) -> None:
        """Send the queued messages and then end the stream."""
        self.has_ended = True
        self.waiting.set()


class Pulse:
    """Notifies soon after a change, at a limited rate, and once more after the last change."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._last = float("-inf")
        self._due: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether no notification is pending."""
        return self._due is None and self._again is None

    def changed(self) -> None:
        """Schedule a notification."""
        if self._due is not None:
            return
        if self._again is not None:
            self._again.cancel()
            self._again = None
        loop = asyncio.get_running_loop()
        self._due = loop.call_at(max(loop.time() + SOON, self._last + APART), self._first)

    def _first(self) -> None:
        loop = asyncio.get_running_loop()
        self._last, self._due = loop.time(), None
        self._again = loop.call_later(AFTER, self._once_more)
        self._notify()

    def _once_more(self) -> None:
        self._again = None
        self._notify()


class Hub:
    """The open streams of this process, by recipient."""

    def __init__(self) -> None:
        self._streams: dict[tuple[Side, str], set[Stream]] = {}
        self._all: set[Stream] = set()
        self._ring: deque[StreamMessage] = deque(maxlen=RING)
        self._mark = secrets.token_hex(4)
        """Ends the ids of this process: another one may have got the events in another order, so
        that what follows an id there is not what its page lacks.
        """
        self._refusals: deque[tuple[str, float]] = deque(maxlen=RING)
        self._activity = Pulse(self._send_activity)

    def __len__(self) -> int:
        return len(self._all)

    def open(self, user_id: str, company_id: str | None) -> Stream:
        """Open a stream. Raises `TooManyStreams`."""
        if len(self._streams.get(("person", user_id), ())) >= MOST_STREAMS:
            raise TooManyStreams(retry_after=60)
        stream = Stream(user_id, company_id)
        self._all.add(stream)
        self._streams.setdefault(("person", user_id), set()).add(stream)
        if company_id is not None:
            self.hire(stream, company_id)
        _open.set(len(self._all))
        return stream

    def hire(self, stream: Stream, company_id: str) -> None:
        """Also send the events of this company to the stream."""
        if stream in self._all:
            stream.company_id = company_id
            self._streams.setdefault(("company", company_id), set()).add(stream)

    def close(self, stream: Stream) -> None:
        """Remove the stream of a closed page."""
        self._all.discard(stream)
        places: list[tuple[Side, str]] = [("person", stream.user_id)]
        if stream.company_id is not None:
            places.append(("company", stream.company_id))
        for place in places:
            streams = self._streams.get(place, set())
            streams.discard(stream)
            if not streams:
                self._streams.pop(place, None)
        _open.set(len(self._all))

    def consume(self, deliveries: Sequence[Delivery]) -> None:
        """Send events to the streams of the people concerned."""
        for delivery in deliveries:
            message = _message_of(delivery, self._mark)
            if message is None:
                continue
            name = type_of(delivery)
            if name in REFUSING:
                self._refused(name, delivery)
                continue
            self._ring.append(message)
            if name == "employer.profile.created":
                self._hired(delivery)
            for stream in {s for place in message.audience for s in self._streams.get(place, ())}:
                stream.send(message.text)
            if name == "resume.updated":
                self._activity.changed()

    def missed(self, stream: Stream, last: str | None) -> list[bytes]:
        """The messages after this id, or `catch-up` if some may be missing."""
        if last is None:
            return []
        messages = list(self._ring)
        for place in range(len(messages) - 1, -1, -1):
            if messages[place].id == last:
                mine = {("person", stream.user_id), ("company", stream.company_id or "")}
                return [
                    message.text for message in messages[place + 1 :] if message.audience & mine
                ]
        return [CATCH_UP]

    def catch_up(self) -> None:
        """Ask all pages to read again, because events may have been missed."""
        self._ring.clear()
        for stream in self._all:
            stream.is_doubtful = True
            stream.send(CATCH_UP)

    def interrupt(self) -> None:
        """Report that updates are interrupted; `catch-up` follows when they resume."""
        for stream in self._all:
            stream.send(INTERRUPTED)

    def end(self) -> None:
        """End all streams, because this process stops."""
        for stream in self._all:
            stream.end()

    def refuse(self, stream: Stream) -> None:
        """End the stream of a person who may not read on."""
        stream.queue.clear()
        stream.queue.append(REFUSED)
        stream.end()

    def was_refused(self, user_id: str, since: float) -> bool:
        """Whether a person was blocked or erased after this time, by the monotonic clock."""
        return any(one == user_id and at >= since for one, at in self._refusals)

    def _refused(self, name: str, delivery: Delivery) -> None:
        body = json.loads(delivery.body)
        if name == "user.erased" or body.get("blocked"):
            user_id = str(UUID(str(body["userId"])))
            self._refusals.append((user_id, time.monotonic()))
            for stream in self._streams.get(("person", user_id), ()):
                self.refuse(stream)

    def _hired(self, delivery: Delivery) -> None:
        body = json.loads(delivery.body)
        for stream in self._streams.get(("person", str(body.get("userId"))), ()):
            self.hire(stream, str(body["companyId"]))

    def _send_activity(self) -> None:
        for stream in self._all:
            if stream.company_id is not None:
                stream.send(_text_of(ACTIVITY, {}))


def _message_of(delivery: Delivery, mark: str) -> StreamMessage | None:
    """The message for streams; None for an unreadable event, which the services handle."""
    name = type_of(delivery)
    try:
        body = json.loads(delivery.body)
        audience = frozenset(
            (side, str(UUID(str(body["userId" if side == "person" else "companyId"]))))
            for side in CONCERNS.get(name, ())
        )
    except (ValueError, KeyError, TypeError):
        return None
    data = {key: body[key] for key in SENT_FIELDS if isinstance(body.get(key), str)}
    id = f"{message_id_of(delivery)}.{mark}"
    return StreamMessage(id, audience, _text_of(name, data, id))


def _text_of(name: str, data: Mapping[str, str], id: str | None = None) -> bytes:
    place = f"id: {id}\n" if id else ""
    return f"{place}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
