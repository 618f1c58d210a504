"""Commands that keep the devices of a person, and note what became of pushes to them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import LargeBinary, Table, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hirewire.kit.clock import now
from hirewire.kit.db import among, lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.secrets import (
    CannotOpen,
    marks,
    names_of_earlier_keys,
    seal_bytes,
    unseal_bytes,
)
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications import web_push
from hirewire.notifications.pushing.rules import GIVE_UP_AFTER, Failing
from hirewire.notifications.tables import ended_session, person, push_device, push_key
from hirewire.notifications.web_push import ServerKey, Target

log = structlog.get_logger(__name__)
MOST_DEVICES = 20
"""Devices of one person; another one replaces the oldest."""
LEASE = timedelta(seconds=90)
"""How long a claimed device is left to the process that claimed it: longer than its pushes take."""
TOKENS_LIVE = timedelta(days=1)
"""How long an ended session is remembered: longer than its last access token lives."""
SEALED_AT_ONCE = 200
MARK = "push endpoint"


class NoSuchDevice(NotFound):
    """Device not found, or it is not yours."""

    code = "push_device_not_found"


class OutdatedKey(AppError):
    """The subscription is for another key than this board's: subscribe again."""

    slug = "push-key-outdated"
    code = "push_key_outdated"
    kind = Kind.CONFLICT


class EndpointTaken(AppError):
    """Another person's device has this endpoint, with other keys."""

    slug = "push-endpoint-taken"
    code = "push_endpoint_taken"
    kind = Kind.CONFLICT


class SessionOver(AppError):
    """This session has ended: sign in again."""

    slug = "session-over"
    code = "session_over"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Claimed:
    """A device that this process may send to now."""

    id: UUID
    user_id: UUID
    attempt: int
    """Only the latest one can change the row."""
    origin: str
    sealed: bytes = field(repr=False)
    key_id: UUID
    public: str
    sealed_key: bytes = field(repr=False)
    failures: int
    failing_since: datetime | None


async def usable_keys(tx: Tx) -> list[ServerKey]:
    """The keys that can be opened, the newest first. Makes the first one.

    Keys that cannot be opened stay: with their `HIREWIRE_SECRET_KEY` their devices work again.
    """
    found = await _opened_keys(tx)
    if found:
        return found
    await lock(tx, "push keys")
    found = await _opened_keys(tx)
    if not found:
        key = web_push.make_key(new_id())
        log.info("push key made", key=key.public)
        made = {"id": key.id, "public": key.public, "sealed": key.sealed(), "made_at": now()}
        await tx.execute(insert(push_key).values(made))
        found = [key]
    return found


async def _opened_keys(tx: Tx) -> list[ServerKey]:
    rows = await tx.execute(select(push_key).order_by(push_key.c.made_at.desc()))
    keys = []
    for row in rows:
        try:
            keys.append(web_push.opened_key(row.id, row.public, row.sealed))
        except CannotOpen:
            log.error("a push key cannot be opened: see HIREWIRE_SECRET_KEY", key=row.public)
    return keys


async def register(
    tx: Tx, user_id: UUID, session_id: UUID, target: Target, public_key: str, name: str | None
) -> UUID:
    """Store the device of a session; returns its id.

    It replaces the one that the session had before, and whoever had this device before has it no
    more. Raises `OutdatedKey`, `EndpointTaken` and `SessionOver`.
    """
    keys = {key.public: key.id for key in await usable_keys(tx)}
    if public_key not in keys:
        raise OutdatedKey
    digest = hashlib.sha256(target.endpoint.encode()).hexdigest()
    for what in (f"session {session_id}", f"person {user_id}", f"endpoint {digest}"):
        await lock(tx, f"push {what}")
    if await _is_over(tx, session_id):
        raise SessionOver
    its = push_device.c
    known = marks(target.endpoint, MARK)
    before = await tx.execute(
        select(its.id, its.user_id, its.session_id, its.sealed).where(
            among(its.mark, known) | (its.session_id == session_id)
        )
    )
    replaced = []
    for row in before:
        if row.user_id != user_id and not _is_same(row.sealed, target):
            raise EndpointTaken
        replaced.append(row.id)
    await tx.execute(upsert(person).values(user_id=user_id).on_conflict_do_nothing())
    await _delete(tx, replaced)
    id = new_id()
    await tx.execute(
        insert(push_device).values(
            id=id,
            user_id=user_id,
            session_id=session_id,
            key_id=keys[public_key],
            mark=known[0],
            sealed=target.sealed(),
            origin=target.origin,
            name=name,
            created_at=now(),
        )
    )
    others = await tx.execute(
        select(its.id)
        .where(its.user_id == user_id)
        .order_by(its.created_at.desc(), its.id.desc())
        .offset(MOST_DEVICES)
    )
    await _delete(tx, list(others.scalars()))
    return id


async def remove(tx: Tx, user_id: UUID, id: UUID) -> None:
    """Delete a device of a person. Raises `NoSuchDevice`."""
    its = push_device.c
    found = await tx.execute(select(its.id).where(its.id == id, its.user_id == user_id))
    if found.scalar() is None:
        raise NoSuchDevice
    await _delete(tx, [id])


async def end_session(tx: Tx, session_id: UUID) -> None:
    """Delete the device of a session, and let none be added by its last access tokens."""
    await lock(tx, f"push session {session_id}")
    ended = upsert(ended_session).values(id=session_id, at=now())
    await tx.execute(ended.on_conflict_do_nothing())
    found = await tx.execute(select(push_device.c.id).where(push_device.c.session_id == session_id))
    await _delete(tx, list(found.scalars()))


async def _is_over(tx: Tx, session_id: UUID) -> bool:
    found = await tx.execute(select(ended_session.c.id).where(ended_session.c.id == session_id))
    return found.scalar() is not None


def _is_same(sealed: bytes, target: Target) -> bool:
    try:
        return Target.opened(sealed) == target
    except CannotOpen:
        return False


async def _delete(tx: Tx, ids: Sequence[UUID]) -> int:
    """Delete devices, in the order in which all lock them: notices, pushes, devices."""
    await tx.exec_driver_sql("delete from push where device_id = any($1::uuid[])", (list(ids),))
    gone = await tx.execute(delete(push_device).where(among(push_device.c.id, ids)))
    return gone.rowcount


_CLAIM = """
update push_device d set leased_until = $1::timestamptz + $2::interval, attempt = d.attempt + 1
from push_key k
where k.id = d.key_id and d.id in (
    select id from push_device
    where id in (select device_id from push where due_at <= $1)
        and (leased_until is null or leased_until <= $1) and origin <> all($3::text[])
    order by leased_until nulls first, id limit $4 for no key update skip locked
)
returning d.id, d.user_id, d.attempt, d.origin, d.sealed, d.key_id, k.public,
    k.sealed as sealed_key, d.failures, d.failing_since
"""


async def claim(tx: Tx, most: int, *, but: Sequence[str]) -> list[Claimed]:
    """Devices with due pushes, each left to the caller for `LEASE`; none of the services `but`."""
    rows = await tx.exec_driver_sql(_CLAIM, (now(), LEASE, list(but), most))
    return [Claimed(**row._mapping) for row in rows]


async def release(tx: Tx, device: Claimed) -> None:
    """Leave a device to whoever claims it next."""
    await tx.exec_driver_sql(
        "update push_device set leased_until = null where id = $1 and attempt = $2",
        (device.id, device.attempt),
    )


async def sent(tx: Tx, device: Claimed, notice_id: UUID, changes: int, apart: timedelta) -> None:
    """Note that a push was accepted. If its notice has changed meanwhile, another one follows."""
    moment = now()
    await tx.exec_driver_sql("update notice set pushed_at = $2 where id = $1", (notice_id, moment))
    gone = await tx.exec_driver_sql(
        "delete from push where device_id = $1 and notice_id = $2 and changes = $3",
        (device.id, notice_id, changes),
    )
    if gone.rowcount == 0:
        await hold(tx, device.id, notice_id, moment + apart)
    await tx.exec_driver_sql(
        "update push_device set pushed_at = $2, failures = 0, failing_since = null, error = null, "
        "hold_until = null where id = $1",
        (device.id, moment),
    )


async def drop(tx: Tx, device_id: UUID, notice_id: UUID) -> None:
    """Delete a push that is not to be sent."""
    await tx.exec_driver_sql(
        "delete from push where device_id = $1 and notice_id = $2", (device_id, notice_id)
    )


async def hold(tx: Tx, device_id: UUID, notice_id: UUID, until: datetime) -> None:
    """Put one push off."""
    await tx.exec_driver_sql(
        "update push set due_at = $3 where device_id = $1 and notice_id = $2",
        (device_id, notice_id, until),
    )


async def fail(tx: Tx, device: Claimed, failing: Failing, error: str, until: datetime) -> None:
    """Put all pushes to a device off, which could not be reached."""
    await tx.exec_driver_sql(
        "update push set due_at = greatest(due_at, $2) where device_id = $1", (device.id, until)
    )
    await tx.exec_driver_sql(
        "update push_device set failures = $3, failing_since = $4, error = $5, hold_until = $6 "
        "where id = $1 and attempt = $2",
        (device.id, device.attempt, failing.failures, failing.since, error, until),
    )


async def lose(tx: Tx, device: Claimed) -> None:
    """Delete a device that does not exist any more."""
    await _delete(tx, [device.id])


async def drop_all(tx: Tx) -> int:
    """Delete all pushes that wait; returns how many."""
    return (await tx.exec_driver_sql("delete from push")).rowcount


async def forget_old(tx: Tx) -> None:
    """Delete pushes that were not sent in time, and what late access tokens cannot name."""
    moment = now()
    await tx.exec_driver_sql("delete from push where queued_at <= $1", (moment - GIVE_UP_AFTER,))
    await tx.execute(delete(ended_session).where(ended_session.c.at <= moment - TOKENS_LIVE))


async def seal_again(tx: Tx) -> bool:
    """Encrypt a batch of what an earlier key has encrypted with the current one. True if there may
    be more.
    """
    for id, before in await _sealed_before(tx, push_key):
        sealed = seal_bytes(unseal_bytes(before, web_push.KEY_PURPOSE), web_push.KEY_PURPOSE)
        await tx.execute(update(push_key).where(push_key.c.id == id).values(sealed=sealed))
    devices = await _sealed_before(tx, push_device)
    for id, before in devices:
        target = Target.opened(before)
        await tx.execute(
            update(push_device)
            .where(push_device.c.id == id)
            .values(sealed=target.sealed(), mark=marks(target.endpoint, MARK)[0])
        )
    return len(devices) == SEALED_AT_ONCE


async def _sealed_before(tx: Tx, table: Table) -> list[tuple[UUID, bytes]]:
    key = func.substr(table.c.sealed, 2, 4, type_=LargeBinary)
    rows = await tx.execute(
        select(table.c.id, table.c.sealed)
        .where(among(key, names_of_earlier_keys()))
        .order_by(table.c.id)
        .limit(SEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, row.sealed) for row in rows]


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the devices of a person; returns how many records."""
    # Their notices first, which whoever notes a push locks first.
    await tx.exec_driver_sql("select from notice where user_id = $1 for update", (user_id,))
    found = await tx.execute(select(push_device.c.id).where(push_device.c.user_id == user_id))
    return await _delete(tx, list(found.scalars()))
