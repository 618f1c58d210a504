"""Commands that store what a person wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.errors import NotFound
from hirewire.messaging.transaction import Tx
from hirewire.notifications import unsubscribing
from hirewire.notifications.kinds import DEFAULTS, Frequency, Kind
from hirewire.notifications.tables import person, preference


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which no mail and no push arrives, in minutes of the person's day."""

    begins: int
    ends: int
    """Before `begins` if they go past midnight."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants to be notified of a kind."""

    mail: Frequency
    push: bool


class InvalidUnsubscribeLink(NotFound):
    """This link is not valid; look at your notification settings."""

    code = "unsubscribe_link_invalid"


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Whose mails a link switches off, and which."""

    user_id: UUID
    email: str | None
    kinds: Sequence[Kind]


async def hold(tx: Tx, user_id: UUID) -> None:
    """Make the person's row if there is none, and lock it: notices that are being made wait."""
    await tx.execute(insert(person).values(user_id=user_id).on_conflict_do_nothing())
    await tx.execute(select(person.c.user_id).where(person.c.user_id == user_id).with_for_update())


async def set_quiet(tx: Tx, user_id: UUID, quiet: Quiet | None) -> None:
    """Store the quiet hours."""
    begins, ends = (quiet.begins, quiet.ends) if quiet else (None, None)
    changed = update(person).where(person.c.user_id == user_id)
    await tx.execute(changed.values(quiet_from=begins, quiet_until=ends))


async def choose(tx: Tx, user_id: UUID, wishes: Mapping[Kind, Wish]) -> None:
    """Store what differs from the defaults, and forget what does not. Other kinds stay as they are.

    So a later version can change the defaults for all who have not chosen.
    """
    its = preference.c
    for kind, wish in wishes.items():
        if wish == Wish(DEFAULTS[kind].mail, DEFAULTS[kind].push):
            await tx.execute(delete(preference).where(its.user_id == user_id, its.kind == kind))
            continue
        values = {"mail": wish.mail, "push": wish.push, "mail_before": None}
        await tx.execute(
            insert(preference)
            .values(user_id=user_id, kind=kind, **values)
            .on_conflict_do_update(index_elements=[its.user_id, its.kind], set_=values)
        )


async def link_of(tx: Tx, token: str) -> Unsubscribing:
    """Whose mails a token switches off, and which. Raises `InvalidUnsubscribeLink`."""
    link, its = unsubscribing.read(token), person.c
    if link is not None:
        chosen = select(its.email, its.unsubscribe_key).where(its.user_id == link.user_id)
        row = (await tx.execute(chosen)).first()
        if row is not None and link.is_genuine(row.unsubscribe_key):
            return Unsubscribing(link.user_id, row.email, link.kinds)
    raise InvalidUnsubscribeLink


async def switch_off(tx: Tx, user_id: UUID, kinds: Sequence[Kind]) -> None:
    """Switch mails of these kinds off. Push stays as it is."""
    await hold(tx, user_id)
    its = preference.c
    before = func.coalesce(its.mail_before, its.mail)
    for kind in kinds:
        default = DEFAULTS[kind]
        values = {"user_id": user_id, "kind": kind, "push": default.push}
        await tx.execute(
            insert(preference)
            .values(values | {"mail": "off", "mail_before": default.mail})
            .on_conflict_do_update(
                index_elements=[its.user_id, its.kind], set_={"mail": "off", "mail_before": before}
            )
        )


async def switch_on(tx: Tx, user_id: UUID, kinds: Sequence[Kind]) -> None:
    """Undo `switch_off`: mails of these kinds come as often as they did."""
    await hold(tx, user_id)
    for kind in kinds:
        default, its = DEFAULTS[kind], preference.c
        await tx.execute(
            update(preference)
            .where(its.user_id == user_id, its.kind == kind, its.mail_before.is_not(None))
            .values(mail=its.mail_before, mail_before=None)
        )
        is_default = (its.mail == default.mail) & (its.push == default.push)
        await tx.execute(
            delete(preference).where(its.user_id == user_id, its.kind == kind, is_default)
        )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete what a person has chosen; returns how many records."""
    gone = await tx.execute(delete(preference).where(preference.c.user_id == user_id))
    return gone.rowcount
