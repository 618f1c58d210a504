"""Parts of exports (`kit.export_part`): requested, made under a lease, handed out, deleted."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.kit.mail.letters import LANGUAGES, Language
from hirewire.kit.secrets import seal_bytes, unseal_bytes
from hirewire.messaging.background import Wake
from hirewire.messaging.transaction import Tx, after_commit, owner_of

LEASE = timedelta(minutes=1)
"""How long a part is left to the process that makes it, from its last sign of life."""
KEPT = timedelta(days=4)
"""How long a part waits for those of other services; `expire` replaces this by 24 hours."""
LONGEST_PAUSE = 300
wakes: dict[str, Wake] = {}
"""Wakes the maker of a service in this process, if there is one."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A part that this process makes now."""

    export_id: UUID
    user_id: UUID
    language: Language
    attempt: int
    """Only the latest attempt can change the part."""


class Overtaken(Exception):
    """Another attempt at this part has begun, or the part was deleted."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file."""

    file: int
    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of which all pieces are stored."""

    number: int
    path: str
    size: int
    pieces: int


async def request(
    tx: Tx, export_id: UUID, user_id: UUID, language: Language, requested_at: datetime
) -> None:
    """Ask for this service's part. A repeated request, or one that is too old, changes nothing."""
    moment = now()
    if requested_at + KEPT <= moment:
        return
    await tx.exec_driver_sql(
        "insert into kit.export_part "
        "(export_id, user_id, language, next_attempt_at, expires_at) values ($1, $2, $3, $4, $5) "
        "on conflict do nothing",
        (export_id, user_id, language, moment, requested_at + KEPT),
    )
    if (wake := wakes.get(owner_of(tx))) is not None:
        after_commit(tx, wake)


async def claim(tx: Tx) -> Claimed | None:
    """The part that has waited longest; what an earlier attempt at it has stored is deleted."""
    moment = now()
    result = await tx.exec_driver_sql(
        """
        update kit.export_part as p
        set attempts = p.attempts + 1, next_attempt_at = $1::timestamptz + $2::interval
        from (
            select export_id from kit.export_part
            where made_at is null and next_attempt_at <= $1 and expires_at > $1
            order by next_attempt_at limit 1 for update skip locked
        ) as due
        where p.export_id = due.export_id
        returning p.export_id, p.user_id, p.language, p.attempts as attempt
        """,
        (moment, LEASE),
    )
    row = result.first()
    if row is None:
        return None
    for table in ("export_piece", "export_file"):
        await tx.exec_driver_sql(
            f"delete from kit.{table} where export_id = $1",  # noqa: S608
            (row.export_id,),
        )
    return Claimed(**row._mapping)


async def add(tx: Tx, part: Claimed, files: Sequence[StoredFile], pieces: Sequence[Piece]) -> None:
    """Store complete files and pieces, encrypted, and extend the lease. Raises `Overtaken`."""
    await _hold(tx, part)
    id = part.export_id
    if pieces:
        sealed = [
            (id, one.file, one.number, seal_bytes(zlib.compress(one.content, 1), _purpose(id, one)))
            for one in pieces
        ]
        await tx.exec_driver_sql(
            "insert into kit.export_piece (export_id, file, piece, content) "
            "values ($1, $2, $3, $4)",
            sealed,
        )
    if files:
        await tx.exec_driver_sql(
            "insert into kit.export_file (export_id, number, path, size, pieces) "
            "values ($1, $2, $3, $4, $5)",
            [(id, one.number, one.path, one.size, one.pieces) for one in files],
        )


async def finish(tx: Tx, part: Claimed) -> None:
    """Note that the part is complete. Raises `Overtaken`."""
    await _hold(tx, part)
    await tx.exec_driver_sql(
        "update kit.export_part set made_at = $2 where export_id = $1", (part.export_id, now())
    )


async def put_back(tx: Tx, part: Claimed) -> None:
    """Try again after a pause that grows with the attempts."""
    pause = timedelta(seconds=min(2.0 ** min(part.attempt, 10), LONGEST_PAUSE))
    await tx.exec_driver_sql(
        "update kit.export_part set next_attempt_at = $3 "
        "where export_id = $1 and attempts = $2 and made_at is null",
        (part.export_id, part.attempt, now() + pause),
    )


async def expire(tx: Tx, export_id: UUID, expires_at: datetime) -> None:
    """Say when the part is to be deleted."""
    await tx.exec_driver_sql(
        "update kit.export_part set expires_at = $2 where export_id = $1", (export_id, expires_at)
    )


async def files_of(tx: Tx, export_id: UUID) -> Sequence[StoredFile] | None:
    """The files of a finished part; None if there is none, or it has expired."""
    found = await tx.exec_driver_sql(
        "select 1 from kit.export_part "
        "where export_id = $1 and made_at is not null and expires_at > $2",
        (export_id, now()),
    )
    if found.first() is None:
        return None
    result = await tx.exec_driver_sql(
        "select number, path, size, pieces from kit.export_file where export_id = $1 "
        "order by number",
        (export_id,),
    )
    return [StoredFile(**row._mapping) for row in result]


async def file_of(tx: Tx, export_id: UUID, number: int) -> StoredFile | None:
    """A file of a finished part that has not expired."""
    result = await tx.exec_driver_sql(
        "select f.number, f.path, f.size, f.pieces from kit.export_part as p "
        "join kit.export_file as f using (export_id) "
        "where p.export_id = $1 and p.made_at is not null and p.expires_at > $2 and f.number = $3",
        (export_id, now(), number),
    )
    row = result.first()
    return None if row is None else StoredFile(**row._mapping)


async def content_of(tx: Tx, export_id: UUID, file: int, number: int) -> bytes:
    """A piece of a file, decrypted. Raises `CannotOpen`, and `Overtaken` if it was deleted."""
    result = await tx.exec_driver_sql(
        "select content from kit.export_piece where export_id = $1 and file = $2 and piece = $3",
        (export_id, file, number),
    )
    row = result.first()
    if row is None:
        raise Overtaken
    place = Piece(file, number, b"")
    return zlib.decompress(unseal_bytes(row.content, _purpose(export_id, place)))


async def forget(tx: Tx, user_id: UUID) -> int:
    """Delete all parts of a person's exports, when the person's data is deleted; how many."""
    result = await tx.exec_driver_sql("delete from kit.export_part where user_id = $1", (user_id,))
    return result.rowcount


async def forget_old(tx: Tx) -> None:
    """Delete the parts that have expired."""
    await tx.exec_driver_sql("delete from kit.export_part where expires_at <= $1", (now(),))


async def _hold(tx: Tx, part: Claimed) -> None:
    """Lock the part and extend the lease."""
    result = await tx.exec_driver_sql(
        "update kit.export_part set next_attempt_at = $3 "
        "where export_id = $1 and attempts = $2 and made_at is null",
        (part.export_id, part.attempt, now() + LEASE),
    )
    if result.rowcount == 0:
        raise Overtaken


def _purpose(export_id: UUID, piece: Piece) -> str:
    """Names the place of a piece, so that no other piece can stand there."""
    return f"export {export_id} {piece.file} {piece.number}"


def language_of(given: str) -> Language:
    """The language that an event names; English if it is not one of ours."""
    return next((one for one in LANGUAGES if one == given), "en")
