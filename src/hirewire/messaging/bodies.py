"""Large bodies beside the broker: a message carries a claim, and a store has the body.

The pattern is the claim check of Hohpe and Woolf's Enterprise Integration Patterns; on the wire it
is CloudEvents' `dataref` extension, with the SHA-256 of the body beside it. The store is a folder
that all replicas of all services share.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from hirewire.messaging.broker import Delivery, Message

REFERENCE, DIGEST, SIZE = "dataref", "datasha256", "datasize"
"""Headers of a message whose body is in the store."""
PREFIX = "urn:uuid:"
THRESHOLD = 256 * 1024
"""Bytes; a larger body goes into the store, where there is one."""


class StoreUnavailable(Exception):
    """The store of large bodies cannot be used now. Trying again later may help."""


class BodyLost(Exception):
    """The store has no such body, or another one than was put there."""


class BodyStore:
    """Bodies in a folder, one a file, by day and id. What is put there twice is there once."""

    def __init__(self, folder: Path, *, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self._folder = folder

    async def claim_for(self, message: Message) -> Message:
        """The message as it is, or with a claim in place of a large body, which is stored then.

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
        if hashlib.sha256(body).hexdigest() != delivery.headers.get(DIGEST):
            raise BodyLost("the stored body is not the one that was sent")
        return replace(delivery, body=body)

    async def prune(self, before: datetime) -> int:
        """Remove the days before this moment's day; how many. Raises `StoreUnavailable`."""
        try:
            return await asyncio.to_thread(self._prune, f"{before.astimezone(UTC):%Y%m%d}")
        except OSError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error.strerror}") from error

    def _path(self, id: UUID) -> Path:
        moment = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
        return self._folder / f"{moment:%Y%m%d}" / str(id)

    def _put(self, id: UUID, body: bytes) -> None:
        """Whole or not at all, and on the disk: the message may be confirmed right after."""
        path = self._path(id)
        if path.exists():
            return
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

    def _prune(self, first_kept: str) -> int:
        if not self._folder.is_dir():
            return 0
        old = [
            one for one in self._folder.iterdir() if one.name.isdigit() and one.name < first_kept
        ]
        for one in old:
            shutil.rmtree(one)
        return len(old)


def has_claim(headers: Mapping[str, str]) -> bool:
    """Whether the body of a message is in the store."""
    return REFERENCE in headers


def size_of(delivery: Delivery) -> int:
    """Bytes of a delivery's body, or of the one that it has a claim on."""
    text = delivery.headers.get(SIZE, "")
    claimed = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return max(len(delivery.body), claimed)
