"""Commands of operators. Each one is noted in the log of operators' acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from hirewire.auth import one_time, registering
from hirewire.auth import operator_mails as mails
from hirewire.auth.admins import keep_one, lock_admins
from hirewire.auth.announcing import announce_verification
from hirewire.auth.credentials import email_key
from hirewire.auth.logins import end_sessions
from hirewire.auth.operator_mails import Board, Reader
from hirewire.auth.security_log.commands import note
from hirewire.auth.security_log.rules import What
from hirewire.auth.tables import user
from hirewire.auth.taken import EmailTaken
from hirewire.auth.where import Where
from hirewire.contracts.auth import Role, UserBlocked, UserRoleChanged
from hirewire.kit import audit_log, refusals
from hirewire.kit.audit_log import Subject
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError, Kind, NotAnOperator, NotFound
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

RESET_LIFE = timedelta(minutes=30)
FIRST_LIFE = timedelta(hours=24)
"""How long the link to choose the first password works."""


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


class AlreadyVerified(AppError):
    """This address is verified already."""

    slug = "already-verified"
    code = "already_verified"
    kind = Kind.CONFLICT


class PersonNotVerified(AppError):
    """Only a person with a verified address can become an operator."""

    slug = "person-not-verified"
    code = "person_not_verified"
    kind = Kind.CONFLICT


class AlreadyAdmin(AppError):
    """This person is an operator already."""

    slug = "already-admin"
    code = "already_admin"
    kind = Kind.CONFLICT


class NotAdmin(AppError):
    """This person is not an operator."""

    slug = "not-admin"
    code = "not_admin"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Person:
    """The row of a person, locked."""

    id: UUID
    email: str
    email_key: str
    language: str | None
    role: Role
    role_besides: Role | None
    is_verified: bool
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

    Raises `NotFound`, `NotAnOperator`, `OwnAccount` and `AlreadyBlocked`.
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
    await _note(tx, act, "user_blocked", "blocked")
    await mails.mail_blocked(tx, _reader(person), act.why, board)


async def unblock(tx: Tx, act: Act, board: Board) -> None:
    """Let a person sign in again; a mail says so. Records `UserBlocked`.

    Raises `NotFound`, `NotAnOperator` and `NotBlocked`.
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
    await _note(tx, act, "user_unblocked", "unblocked")
    await mails.mail_unblocked(tx, _reader(person), board)


async def end_all_sessions(tx: Tx, act: Act) -> None:
    """End all sessions of a person. Raises `NotFound` and `NotAnOperator`."""
    await _begin(tx, act)
    await end_sessions(tx, act.on, "ended by an operator")
    await _note(tx, act, "sessions_ended", "sessions_ended_by_operator")


async def send_reset_link(tx: Tx, act: Act, board: Board) -> None:
    """Send a link for a new password to the stored address. Raises `NotFound`, `NotAnOperator`."""
    person = await _begin(tx, act)
    token = await _reset_token(tx, person)
    await mails.mail_reset(tx, _reader(person), token, RESET_LIFE, board)
    await _note(tx, act, "reset_link_sent", "reset_link_by_operator")


async def verify(tx: Tx, act: Act) -> None:
    """Count the address of a person as verified.

    Raises `NotFound`, `NotAnOperator` and `AlreadyVerified`.
    """
    person = await _begin(tx, act)
    if person.is_verified:
        raise AlreadyVerified
    moment = now()
    await tx.execute(update(user).where(user.c.id == act.on).values(email_verified_at=moment))
    announce_verification(tx, act.on, moment)
    await _note(tx, act, "address_verified", "email_verified_by_operator")


async def make_admin(tx: Tx, act: Act) -> None:
    """Make a person an operator. Records `UserRoleChanged`.

    Only people with a verified address: anybody may have registered another one. Raises `NotFound`,
    `NotAnOperator`, `PersonNotVerified`, `AlreadyBlocked` and `AlreadyAdmin`.
    """
    person = await _begin(tx, act)
    if person.role == "admin":
        raise AlreadyAdmin
    if not person.is_verified:
        raise PersonNotVerified
    if person.blocked_at is not None:
        raise AlreadyBlocked
    await _change_role(tx, person, "admin")
    await _note(tx, act, "admin_made", "admin_made")


async def create_admin(tx: Tx, email: str, why: str, board: Board) -> UUID:
    """Make an account that is an operator's, and send a link to choose a password; returns its id.

    It has no password until then. Following the link verifies the address. Records `UserRegistered`
    and `UserRoleChanged`. Raises `EmailTaken`.
    """
    id = await registering.add(tx, email=email, password_hash=None, language=board.language)
    if id is None:
        raise EmailTaken
    key = email_key(email)
    person = Person(id, email, key, board.language, "applicant", None, False, None)
    await _change_role(tx, person, "admin")
    token = await _reset_token(tx, person, FIRST_LIFE)
    await mails.mail_made(tx, _reader(person), token, FIRST_LIFE, board)
    await _note(tx, Act(None, id, why), "admin_made", "admin_made", account="new")
    return id


async def remove_admin(tx: Tx, act: Act) -> None:
    """Give an operator back the role from before; all sessions end. Records `UserRoleChanged`.

    Raises `NotFound`, `NotAnOperator`, `NotAdmin`, and `LastAdmin` unless the command line asks.
    """
    await lock_admins(tx)
    person = await _begin(tx, act)
    if person.role != "admin":
        raise NotAdmin
    if act.by is not None:
        await keep_one(tx, act.on)
    await _change_role(tx, person, person.role_besides or "applicant")
    await end_sessions(tx, act.on, "not an operator any more")
    await _note(tx, act, "admin_removed", "admin_removed")


async def _change_role(tx: Tx, person: Person, role: Role) -> None:
    besides = person.role if role == "admin" else None
    await tx.execute(
        update(user).where(user.c.id == person.id).values(role=role, role_besides=besides)
    )
    record(tx, UserRoleChanged(user_id=person.id, role=role, previous_role=person.role))


async def _reset_token(tx: Tx, person: Person, life: timedelta = RESET_LIFE) -> str:
    return await one_time.issue(tx, person.id, person.email_key, "password_reset", life)


async def _begin(tx: Tx, act: Act) -> Person:
    """Lock the operator and the person, in one order for all, and check that the operator is one.

    Two operators who block each other at once: the second finds that they are none any more.
    """
    its = user.c
    ids = {act.on} if act.by is None else {act.on, act.by}
    found = await tx.execute(
        select(
            *(its.id, its.email, its.email_key, its.language, its.role, its.role_besides),
            its.email_verified_at.is_not(None),
            its.blocked_at,
        )
        .where(among(its.id, ids))
        .order_by(its.id)
        .with_for_update()
    )
    rows = {row.id: Person(*row) for row in found}
    if act.by is not None:
        operator = rows.get(act.by)
        if operator is None or operator.role != "admin" or operator.blocked_at is not None:
            raise NotAnOperator
    person = rows.get(act.on)
    if person is None:
        raise NotFound
    return person


def _reader(person: Person) -> Reader:
    return Reader(person.id, person.email, person.language)


async def _note(tx: Tx, act: Act, name: str, shown: What, **details: str) -> None:
    """Note the act in the log of operators' acts, and what the person may know in their own."""
    subject = Subject("user", str(act.on))
    await audit_log.record(tx, name, subject, by=act.by, why=act.why, details=details)
    await note(tx, act.on, shown, Where())
