"""The outbox rows in a relay's memory: read as unsent and not yet marked as sent."""

from collections import deque
from collections.abc import Iterable, Sequence

import asyncpg

LONG = 250
"""Rows of one key in memory above which only other keys are read."""
MOST_ROWS = 10_000
MOST_BYTES = 16 * 1024 * 1024
READ_BYTES = MOST_BYTES // 4
"""Bytes of bodies that one reading fetches, except for one larger body; also a key's limit."""
PASS = 8
"""Consecutive rows of a key in a chunk that keeps its order, before the next key's."""


class _KeyQueue:
    """The rows of one key in order, without the unconfirmed ones."""

    __slots__ = ("bytes", "rows", "under_way")

    def __init__(self) -> None:
        self.rows: deque[asyncpg.Record] = deque()
        self.bytes = 0
        self.under_way = 0


class KeyQueues:
    """A queue for each key. Rows leave from its front; the rest waits while any are unconfirmed.

    With `in_a_row`, a chunk may hold several rows of a key, otherwise one.
    """

    def __init__(self, *, in_a_row: bool) -> None:
        self._in_a_row = in_a_row
        self._queues: dict[str, _KeyQueue] = {}
        self._ready: deque[str] = deque()
        self._stuck: set[str] = set()
        self._long: set[str] = set()
        self._positions: set[int] = set()
        self._bytes = 0
        self.exhausted = False
        """Whether the last reading found all rows, except those of the keys left out."""

    @property
    def ready_keys(self) -> int:
        """The number of keys with rows that may be published now."""
        return len(self._ready)

    @property
    def is_full(self) -> bool:
        """Whether no more rows should be read now."""
        return len(self._positions) >= MOST_ROWS or self._bytes >= MOST_BYTES

    @property
    def room(self) -> int:
        """How many bytes of bodies may be read now; one body may exceed it."""
        return max(1, min(READ_BYTES, MOST_BYTES - self._bytes))

    @property
    def left_out(self) -> list[str]:
        """Keys not to be read now: enough of their rows are in memory, or one has failed."""
        return [*self._stuck, *self._long]

    @property
    def has_more(self) -> bool:
        """Whether some rows may be unread or unpublished."""
        return not self.exhausted or bool(self._long) or bool(self._queues)

    @property
    def positions(self) -> list[int]:
        """The positions of all rows: waiting, unconfirmed, or published and not marked yet."""
        return list(self._positions)

    def take(self, rows: Iterable[asyncpg.Record], *, last: bool) -> None:
        """Add rows, in the order of their positions."""
        self.exhausted = last
        for row in rows:
            key, size = row["key"], row["size"]
            if key in self._stuck:
                continue
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = _KeyQueue()
                self._ready.append(key)
            queue.rows.append(row)
            queue.bytes += size
            self._bytes += size
            self._positions.add(row["position"])
            if len(queue.rows) >= LONG or queue.bytes >= READ_BYTES:
                self._long.add(key)

    def next_chunk(self, most: int, most_bytes: int) -> list[asyncpg.Record]:
        """Rows of keys without unconfirmed ones; at least one row."""
        chunk: list[asyncpg.Record] = []
        size = 0
        keys: list[str] = []
        while self._ready and len(chunk) < most and (size < most_bytes or not chunk):
            keys.append(key := self._ready.popleft())
            size += self._move(key, chunk, 1)
        while self._in_a_row and keys and len(chunk) < most and size < most_bytes:
            keys = [key for key in keys if self._queues[key].rows]
            for key in keys:
                size += self._move(key, chunk, min(PASS, most - len(chunk)))
                if len(chunk) >= most or size >= most_bytes:
                    break
        return chunk

    def _move(self, key: str, chunk: list[asyncpg.Record], most: int) -> int:
        queue = self._queues[key]
        size = 0
        for _ in range(min(most, len(queue.rows))):
            row = queue.rows.popleft()
            chunk.append(row)
            queue.under_way += 1
            size += row["size"]
        queue.bytes -= size
        if key in self._long and len(queue.rows) < LONG // 2 and queue.bytes < READ_BYTES // 2:
            self._long.discard(key)
            self.exhausted = False
        return size

    def published(self, rows: Iterable[asyncpg.Record]) -> None:
        """Record confirmed rows: the next of their keys may follow. Kept until `marked`."""
        for row in rows:
            queue = self._queues.get(row["key"])
            if queue is not None:
                self._arrive(row["key"], queue)

    def given_back(self, rows: Sequence[asyncpg.Record]) -> None:
        """Put back in front rows that were not published because of an earlier one of their key."""
        for row in reversed(rows):
            queue = self._queues.get(row["key"])
            if queue is None:
                self._forget(row)
            else:
                queue.rows.appendleft(row)
                queue.bytes += row["size"]
        for row in rows:
            if (queue := self._queues.get(row["key"])) is not None:
                self._arrive(row["key"], queue)

    def _arrive(self, key: str, queue: _KeyQueue) -> None:
        queue.under_way -= 1
        if queue.under_way:
            return
        if queue.rows:
            self._ready.append(key)
        else:
            del self._queues[key]

    def marked(self, rows: Iterable[asyncpg.Record]) -> None:
        """The database has stored these as sent or refused."""
        for row in rows:
            self._forget(row)

    def _forget(self, row: asyncpg.Record) -> None:
        self._positions.discard(row["position"])
        self._bytes -= row["size"]

    def stuck(self, key: str) -> None:
        """A row of this key stays unsent, and so do all later ones, in memory or not."""
        self._stuck.add(key)
        self._long.discard(key)
        queue = self._queues.pop(key, None)
        if queue is not None:
            for row in queue.rows:
                self._forget(row)
            if not queue.under_way and key in self._ready:
                self._ready.remove(key)
