"""Large bodies beside the broker: a message carries a claim, and a store has the body.

The pattern is the claim check of Hohpe and Woolf's Enterprise Integration Patterns; on the wire it
is CloudEvents' `dataref` extension, with the SHA-256 of the body beside it. The store is a folder
that all replicas of all services share.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from hirewire.messaging.broker import (
    Broker,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueStats,
    QueueTopology,
    Redaction,
    RedactsQueues,
)

REFERENCE, DIGEST, SIZE = "dataref", "datasha256", "datasize"
"""Headers of a message whose body is in the store."""
LOST = "datalost"
"""Header of a delivery that gives the reason why its body is not available."""
BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of bodies that are fetched at once; one body may be larger."""
REDACTION = b'"redacted":true'
"""What a body says that was redacted: the digest of its message is the former one."""
PREFIX = "urn:uuid:"
THRESHOLD = 256 * 1024
"""A body over this size in bytes goes into the store, if there is one."""


class StoreUnavailable(Exception):
    """The store of large bodies is unavailable. A later attempt may succeed."""


class BodyLost(Exception):
    """The store lacks the body, or has a different one under its name."""


stores: dict[str, "BodyStore"] = {}
"""The store of each service in this process that has one."""


class BodyStore:
    """Bodies in a folder, one file each, named by id. A body stored twice is kept once."""

    def __init__(self, folder: Path, *, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self._folder = folder

    async def claim_for(self, message: Message) -> Message:
        """The message as it is, or with its large body stored and replaced by a claim.

        The body is on the disk when this returns. Raises `StoreUnavailable`.
        """
        if len(message.body) <= self.threshold:
            return message
        id = UUID(message.id)
        try:
            await asyncio.to_thread(self._put, id, message.body)
        except OSError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error.strerror}") from error
        headers = dict(message.headers) | {
            REFERENCE: f"{PREFIX}{id}",
            DIGEST: hashlib.sha256(message.body).hexdigest(),
            SIZE: str(len(message.body)),
        }
        return replace(message, body=b"", headers=headers)

    async def redeem(self, delivery: Delivery) -> Delivery:
        """The delivery with its body. Raises `BodyLost` and `StoreUnavailable`."""
        if not has_claim(delivery.headers) or delivery.body:
            return delivery
        reference = delivery.headers[REFERENCE]
        try:
            id = UUID(reference.removeprefix(PREFIX))
            body = await asyncio.to_thread(self._path(id).read_bytes)
        except ValueError:
            raise BodyLost(f"header {REFERENCE}: not {PREFIX}…") from None
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise StoreUnavailable("the folder is not there") from None
            raise BodyLost("the store has no such body") from None
        except OSError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error.strerror}") from error
        if (
            hashlib.sha256(body).hexdigest() != delivery.headers.get(DIGEST)
            and REDACTION not in body
        ):
            raise BodyLost("the stored body is not the one that was sent")
        return replace(delivery, body=body)

    async def replace(self, id: UUID, body: bytes) -> bool:
        """Store another body under this id, if there is one. Raises `StoreUnavailable`."""
        try:
            return await asyncio.to_thread(self._replace, id, body)
        except OSError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error.strerror}") from error

    async def prune(self, before: datetime) -> int:
        """Remove bodies stored before this time; returns how many. Raises `StoreUnavailable`."""
        try:
            return await asyncio.to_thread(self._prune, before.timestamp())
        except OSError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error.strerror}") from error

    def _path(self, id: UUID) -> Path:
        return self._folder / id.hex[-2:] / str(id)

    def _put(self, id: UUID, body: bytes) -> None:
        """Write the file atomically and flush it: the message may be confirmed right after."""
        path = self._path(id)
        if path.exists():
            os.utime(path)
            return
        self._write(path, body)

    def _replace(self, id: UUID, body: bytes) -> bool:
        path = self._path(id)
        if not path.exists():
            return False
        self._write(path, body)
        return True

    def _write(self, path: Path, body: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{uuid4()}")
        try:
            with part.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        for folder in (path.parent, path.parent.parent):
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def _prune(self, before: float) -> int:
        removed = 0
        for path in self._folder.glob("??/*"):
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:  # another service stored it first
                pass
        return removed


class ClaimCheck:
    """A `Broker` whose large bodies go through a store.

    While the store is unavailable, publishing and consuming wait, as they do for the broker itself.
    If a body is lost for good, its message is delivered without it, with the reason as a header.
    """

    def __init__(self, broker: Broker, store: BodyStore) -> None:
        self.keeps_order_within_batch = broker.keeps_order_within_batch
        self._broker = broker
        self._store = store

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        try:
            claims = [await self._store.claim_for(message) for message in messages]
        except StoreUnavailable as error:
            raise BrokerUnavailable(f"store of large bodies: {error}") from error
        outcomes = await self._broker.publish(claims)
        for message, claim in zip(messages, claims, strict=True):
            message.refusal = claim.refusal
        return outcomes

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.deliveries`."""
        async with aclosing(self._broker.deliveries(topology, limit=limit)) as batches:
            async for batch in batches:
                for part in _parts(batch):
                    yield [await self._redeem(delivery) for delivery in part]

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """See `Broker.broadcasts`."""
        async with aclosing(self._broker.broadcasts(types)) as batches:
            async for batch in batches:
                if not batch:
                    yield batch
                for part in _parts(batch):
                    yield [await self._redeem(delivery) for delivery in part]

    async def _redeem(self, delivery: Delivery) -> Delivery:
        try:
            return await self._store.redeem(delivery)
        except BodyLost as error:
            return replace(delivery, headers={**delivery.headers, LOST: str(error)})
        except StoreUnavailable as error:
            raise BrokerUnavailable(f"store of large bodies: {error}") from error

    async def redact(self, text: str, redaction: Redaction) -> int:
        """See `RedactsQueues.redact`. Bodies in the store are replaced by their owner."""
        if not isinstance(self._broker, RedactsQueues):
            return 0
        return await self._broker.redact(text, redaction)

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """See `Broker.declare`."""
        await self._broker.declare(queues)

    async def delete(self, queue: str) -> None:
        """See `Broker.delete`."""
        await self._broker.delete(queue)

    async def ack(self, delivery: Delivery) -> None:
        """See `Broker.ack`."""
        await self._broker.ack(delivery)

    async def stats(self, queue: str) -> QueueStats:
        """See `Broker.stats`."""
        return await self._broker.stats(queue)

    async def ping(self) -> None:
        """See `Broker.ping`."""
        await self._broker.ping()

    async def close(self) -> None:
        """See `Broker.close`."""
        await self._broker.close()


def _parts(batch: Sequence[Delivery]) -> list[list[Delivery]]:
    """Split a batch into parts of at most so many bytes."""
    parts: list[list[Delivery]] = []
    room = 0
    for delivery in batch:
        size = size_of(delivery)
        if not parts or size > room:
            parts.append([])
            room = BATCH_BYTES
        parts[-1].append(delivery)
        room -= size
    return parts


def has_claim(headers: Mapping[str, str]) -> bool:
    """Whether the body of a message is in the store."""
    return REFERENCE in headers


def size_of(delivery: Delivery) -> int:
    """The size of a delivery's body, or of the stored body it refers to."""
    text = delivery.headers.get(SIZE, "")
    claimed = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return max(len(delivery.body), claimed)
