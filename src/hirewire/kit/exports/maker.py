"""The background task that makes a service's parts of exports."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import structlog

from hirewire.kit.exports import parts
from hirewire.kit.exports.files import Exports, Subject
from hirewire.kit.exports.parts import Claimed, Piece, StoredFile
from hirewire.messaging.background import Wake, run_steps
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)
PIECE = 256 * 1024
"""The size in bytes at which a piece of a file is stored."""
POLL_SECONDS = 5.0


class PartMaker:
    """Makes one part at a time. Several replicas can run one each."""

    def __init__(self, service: str, transactions: Transactions, exports: Exports) -> None:
        self._service = service
        self._transactions = transactions
        self._exports = exports

    async def run(self) -> None:
        """Make what is requested, until cancelled."""
        wake = parts.wakes[self._service] = Wake()
        try:
            await run_steps("exports", self.step, wake, idle=POLL_SECONDS)
        finally:
            del parts.wakes[self._service]

    async def step(self) -> bool:
        """Make the part that has waited longest. False if there is none.

        A process that is killed meanwhile leaves the part to the next one when its lease ends.
        """
        async with self._transactions() as tx:
            await parts.forget_old(tx)
            part = await parts.claim(tx)
        if part is None:
            return False
        try:
            await self._make(part)
        except parts.Overtaken:
            log.info("part of an export overtaken", service=self._service)
        except Exception:
            async with self._transactions() as tx:
                await parts.put_back(tx, part)
            raise
        return True

    async def _make(self, part: Claimed) -> None:
        store = _Store(self._transactions, part)
        subject = Subject(part.user_id, part.language)
        async with aclosing(self._exports.make(self._transactions, subject)) as files:
            async for file in files:
                async with aclosing(file.content) as content:
                    await store.add(file.path, content)
        await store.flush()
        async with self._transactions() as tx:
            await parts.finish(tx, part)
            await self._exports.made(tx, part.export_id, part.user_id)


class _Store:
    """Stores files as they are made: several small ones at once, and a large one in pieces.

    So only about one piece of the export is in memory.
    """

    def __init__(self, transactions: Transactions, part: Claimed) -> None:
        self._transactions = transactions
        self._part = part
        self._number = 0
        self._files: list[StoredFile] = []
        self._pieces: list[Piece] = []
        self._waiting = 0

    async def add(self, path: str, content: AsyncIterator[bytes]) -> None:
        """Store the next file."""
        buffer, size, pieces = bytearray(), 0, 0
        async for some in content:
            buffer += some
            size += len(some)
            while len(buffer) >= PIECE:
                await self._add_piece(pieces, bytes(buffer[:PIECE]))
                del buffer[:PIECE]
                pieces += 1
        if buffer:
            await self._add_piece(pieces, bytes(buffer))
            pieces += 1
        self._files.append(StoredFile(self._number, path, size, pieces))
        self._number += 1

    async def _add_piece(self, number: int, content: bytes) -> None:
        self._pieces.append(Piece(self._number, number, content))
        self._waiting += len(content)
        if self._waiting >= PIECE:
            await self.flush()

    async def flush(self) -> None:
        """Store what is waiting."""
        async with self._transactions() as tx:
            await parts.add(tx, self._part, self._files, self._pieces)
        self._files, self._pieces, self._waiting = [], [], 0
