"""Commands of operators. Each one is noted in the log of operators' acts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from hirewire.auth import operator_mails as mails
from hirewire.auth.logins import end_sessions
from hirewire.auth.operator_mails import Board, Reader
from hirewire.auth.tables import user
from hirewire.contracts.auth import UserBlocked
from hirewire.kit import audit_log, refusals
from hirewire.kit.audit_log import Subject
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError, Kind, NotAnAdmin, NotFound
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


class OwnAccount(AppError):
    """You cannot do this to your own account."""

    slug = "own-account"
    code = "own_account"
    kind = Kind.CONFLICT


class AlreadyBlocked(AppError):
    """This person is blocked already."""

    slug = "already-blocked"
    code = "already_blocked"
    kind = Kind.CONFLICT


class NotBlocked(AppError):
    """This person is not blocked."""

    slug = "not-blocked"
    code = "not_blocked"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Person:
    """The row of a person, locked."""

    id: UUID
    email: str
    language: str | None
    role: str
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts on whom, and why."""

    by: UUID | None
    """An operator; None: the command line."""
    on: UUID
    why: str


async def block(tx: Tx, act: Act, board: Board) -> None:
    """Block a person: no sign-in, all sessions end, and a mail says why. Records `UserBlocked`.

    Raises `NotFound`, `NotAnAdmin`, `OwnAccount` and `AlreadyBlocked`.
    """
    if act.by == act.on:
        raise OwnAccount
    person, moment = await _begin(tx, act), now()
    if person.blocked_at is not None:
        raise AlreadyBlocked
    await tx.execute(
        update(user)
        .where(user.c.id == act.on)
        .values(blocked_at=moment, blocked_by=act.by, blocked_why=act.why)
    )
    await end_sessions(tx, act.on, "blocked by an operator")
    await refusals.note_block(tx, act.on, is_blocked=True, at=moment)
    record(tx, UserBlocked(user_id=act.on, blocked=True, at=moment))
    await _note(tx, act, "user_blocked")
    await mails.mail_blocked(tx, _reader(person), act.why, board)


async def unblock(tx: Tx, act: Act, board: Board) -> None:
    """Let a person sign in again; a mail says so. Records `UserBlocked`.

    Raises `NotFound`, `NotAnAdmin` and `NotBlocked`.
    """
    person, moment = await _begin(tx, act), now()
    if person.blocked_at is None:
        raise NotBlocked
    await tx.execute(
        update(user)
        .where(user.c.id == act.on)
        .values(blocked_at=None, blocked_by=None, blocked_why=None)
    )
    await refusals.note_block(tx, act.on, is_blocked=False, at=moment)
    record(tx, UserBlocked(user_id=act.on, blocked=False, at=moment))
    await _note(tx, act, "user_unblocked")
    await mails.mail_unblocked(tx, _reader(person), board)


async def _begin(tx: Tx, act: Act) -> Person:
    """Lock the operator and the person, in one order for all, and check that the operator is one.

    Two operators who block each other at once: the second finds that they are none any more.
    """
    its = user.c
    ids = {act.on} if act.by is None else {act.on, act.by}
    found = await tx.execute(
        select(its.id, its.email, its.language, its.role, its.blocked_at)
        .where(among(its.id, ids))
        .order_by(its.id)
        .with_for_update()
    )
    rows = {row.id: Person(*row) for row in found}
    if act.by is not None:
        operator = rows.get(act.by)
        if operator is None or operator.role != "admin" or operator.blocked_at is not None:
            raise NotAnAdmin
    person = rows.get(act.on)
    if person is None:
        raise NotFound
    return person


def _reader(person: Person) -> Reader:
    return Reader(person.id, person.email, person.language)


async def _note(tx: Tx, act: Act, name: str, **details: str) -> None:
    subject = Subject("user", str(act.on))
    await audit_log.record(tx, name, subject, by=act.by, why=act.why, details=details)
