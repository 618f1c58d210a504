"""Commands on webhooks: making, changing, secrets, trying them; and what an erasure deletes."""

import base64
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias, TypedDict, cast
from uuid import UUID

from sqlalchemy import LargeBinary, delete, func, insert, select, update
from yarl import URL

from hirewire.kit import audit_log
from hirewire.kit.audit_log import Subject
from hirewire.kit.clock import now
from hirewire.kit.db import among, lock
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import LANGUAGES, Language, Letter
from hirewire.kit.secrets import names_of_earlier_keys, seal, unseal
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import webhook, webhook_delivery, webhook_secret
from hirewire.notifications.webhooks import queries, recording
from hirewire.notifications.webhooks.recording import Entry
from hirewire.notifications.webhooks.rules import PING, PURPOSE, payload
from hirewire.notifications.webhooks.sending import SwitchedOff

MOST_OF_COMPANY, MOST_OF_BOARD = 10, 50
PINGS_PER_HOUR = 30
OLD_SECRET_VALID = timedelta(hours=24)
"""How long the secret before a rotation signs, too."""
MOST_SECRETS = 4
AT_ONCE = 1000
"""The number of rows that are deleted, or encrypted again, in one transaction."""

_DROP_SECRETS = """
delete from webhook_secret where webhook_id = $1 and (expires_at <= $2 or id not in (
    select id from webhook_secret where webhook_id = $1 order by created_at desc limit $3))
"""
_FORGET_OLD = """
delete from webhook_delivery where id in (
    select id from webhook_delivery where at < $1 order by at limit $2)
"""
_FORGET_DELIVERIES = """
delete from webhook_delivery where subject_id = $1 or strpos(body, $2) > 0
"""
_FORGET_ANSWERS = """
update webhook_attempt set answer = null, headers = null
where strpos(lower(answer), $1) > 0 or strpos(lower(headers::text), $1) > 0
"""
_LEFT_ALONE = """
delete from webhook w using employer e
where e.user_id = $1 and w.company_id = e.company_id
    and not exists (select from employer o where o.company_id = e.company_id and o.user_id <> $1)
"""
_EMPLOYERS = """
select p.user_id, p.email, p.language from employer e join person p using (user_id)
where e.company_id = $1 and not p.is_blocked and p.email is not null and p.mail_stopped_at is null
order by p.user_id for key share of p
"""
_OPERATORS = """
select p.user_id, p.email, p.language from operator o join person p using (user_id)
where o.is_operator and not p.is_blocked and p.email is not null and p.mail_stopped_at is null
order by p.user_id for key share of p
"""
_OPERATOR = """
insert into operator (user_id, is_operator) values ($1, $2)
on conflict (user_id) do update set is_operator = excluded.is_operator
"""


class Texts(TypedDict):
    """The texts of a mail in one language."""

    subject: str
    lines: Sequence[str]
    button: str


class NoSuchWebhook(NotFound):
    """Webhook not found, or it is not yours."""

    code = "webhook_not_found"


class NoSuchDelivery(NotFound):
    """Delivery not found, or it is not dead."""

    code = "webhook_delivery_not_found"


class TooManyWebhooks(AppError):
    """No more webhooks can be added; delete one first."""

    slug = "too-many-webhooks"
    code = "too_many_webhooks"
    kind = Kind.CONFLICT


class TooManyPings(AppError):
    """This webhook was tried too often; wait a while."""

    slug = "too-many-pings"
    code = "too_many_pings"
    kind = Kind.TOO_MANY


async def create(
    tx: Tx, company_id: UUID | None, url: str, events: Sequence[str]
) -> tuple[UUID, str]:
    """Add a webhook of a company, or of the board; returns its id and its secret, which is stored
    encrypted and cannot be read again. Raises `TooManyWebhooks`.
    """
    await lock(tx, f"webhooks of {company_id}")
    most = MOST_OF_BOARD if company_id is None else MOST_OF_COMPANY
    if await queries.count_of(tx, company_id) >= most:
        raise TooManyWebhooks
    id = new_id()
    await tx.execute(
        insert(webhook).values(
            id=id, company_id=company_id, url=url, events=sorted(set(events)), created_at=now()
        )
    )
    return id, await _new_secret(tx, id)


async def _new_secret(tx: Tx, webhook_id: UUID) -> str:
    text = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    await tx.execute(
        insert(webhook_secret).values(
            id=new_id(), webhook_id=webhook_id, secret=seal(text, PURPOSE), created_at=now()
        )
    )
    return text


async def change(
    tx: Tx, id: UUID, *, url: str | None, events: Sequence[str] | None, is_on: bool | None
) -> None:
    """Change what is given. What waits is tried at once if it is on and something has changed."""
    its = webhook.c
    values: dict[object, object] = {}
    if url is not None:
        values[its.url] = url
    if events is not None:
        values[its.events] = sorted(set(events))
    if is_on is not None:
        reason = None if is_on else func.coalesce(its.off_reason, "by_hand")
        off_at = None if is_on else func.coalesce(its.off_at, now())
        values |= {its.is_on: is_on, its.off_reason: reason, its.off_at: off_at}
    if url is not None or is_on:
        values |= {its.failures: 0, its.failing_since: None, its.not_before: None}
    if values:
        await tx.execute(update(webhook).where(its.id == id).values(values))
        await recording.hurry(tx, id)


Act: TypeAlias = Literal[
    "webhook_made",
    "webhook_changed",
    "webhook_switched_on",
    "webhook_switched_off",
    "webhook_secret_made",
    "webhook_deleted",
]
"""What an operator does to a webhook of the board."""


async def log(tx: Tx, operator_id: UUID, id: UUID, *acts: Act) -> None:
    """Note in the operators' log what was done to a webhook of the board.

    It names the host only: the rest of a URL may be a secret.
    """
    found = await tx.execute(select(webhook.c.url, webhook.c.events).where(webhook.c.id == id))
    row = found.one()
    details = {"host": URL(row.url).host or "", "events": ", ".join(row.events)}
    subject = Subject("webhook", str(id))
    for act in acts:
        await audit_log.record(tx, act, subject, by=operator_id, why="", details=details)


async def remove(tx: Tx, id: UUID) -> None:
    """Delete a webhook with its secrets and deliveries."""
    await tx.execute(delete(webhook).where(webhook.c.id == id))


async def rotate(tx: Tx, id: UUID) -> str:
    """Make a new secret. The one before signs as well for a day, so a receiver can change over."""
    await tx.execute(select(webhook.c.id).where(webhook.c.id == id).with_for_update(key_share=True))
    moment = now()
    await tx.exec_driver_sql(_DROP_SECRETS, (id, moment, MOST_SECRETS - 1))
    await tx.execute(
        update(webhook_secret)
        .where(webhook_secret.c.webhook_id == id, webhook_secret.c.expires_at.is_(None))
        .values(expires_at=moment + OLD_SECRET_VALID)
    )
    return await _new_secret(tx, id)


async def seal_again(tx: Tx) -> bool:
    """Encrypt a batch of secrets with the current key that an earlier one has encrypted, so an
    earlier key can be dropped. Returns True when there may be more.
    """
    its = webhook_secret.c
    key = func.substr(its.secret, 2, 4, type_=LargeBinary)
    rows = await tx.execute(
        select(its.id, its.secret)
        .where(among(key, names_of_earlier_keys()))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = rows.all()
    for row in found:
        secret = seal(unseal(row.secret, PURPOSE), PURPOSE)
        await tx.execute(update(webhook_secret).where(its.id == row.id).values(secret=secret))
    return len(found) == AT_ONCE


async def ping(tx: Tx, id: UUID) -> UUID:
    """Send a message that tries the webhook; returns the id of its delivery's event. Raises
    `TooManyPings`.
    """
    moment, its = now(), webhook_delivery.c
    await tx.execute(select(webhook.c.id).where(webhook.c.id == id).with_for_update(key_share=True))
    found = await tx.execute(
        select(func.count())
        .select_from(webhook_delivery)
        .where(its.webhook_id == id, its.type == PING, its.at > moment - timedelta(hours=1))
    )
    if found.scalar_one() >= PINGS_PER_HOUR:
        raise TooManyPings(retry_after=600)
    event_id = new_id()
    body = payload(PING, moment, {"webhookId": str(id)})
    entry = Entry(
        webhook_id=id,
        event_id=event_id,
        type=PING,
        key=f"ping:{event_id}",
        position=0,
        at=moment,
        subject_id=None,
        body=body,
    )
    await recording.enter(tx, [entry])
    return event_id


async def replay(tx: Tx, id: UUID, delivery_id: UUID) -> None:
    """Send one dead delivery again. Raises `NoSuchDelivery`."""
    if not await recording.replay(tx, id, delivery_id):
        raise NoSuchDelivery


async def replay_all(tx: Tx, id: UUID) -> int:
    """Send all dead deliveries again; returns how many."""
    return await recording.replay(tx, id)


async def mail_switched_off(tx: Tx, off: SwitchedOff) -> None:
    """Mail everybody who acts for the company, or the operators, that a webhook was switched off.

    The mail names the host only: the rest of a URL may be a secret.
    """
    found = (
        await tx.exec_driver_sql(_OPERATORS)
        if off.company_id is None
        else await tx.exec_driver_sql(_EMPLOYERS, (off.company_id,))
    )
    side = "admin" if off.company_id is None else "employer"
    host = URL(off.url).host or ""
    for row in found.all():
        language: Language = next((one for one in LANGUAGES if one == row.language), "en")
        said = _texts()[off.reason][language]
        letter = Letter(
            to=row.email,
            language=language,
            subject=said["subject"].replace("%s", host),
            lines=[line.replace("%s", host) for line in said["lines"]],
            button=(said["button"], f"/{side}/webhooks/{off.id}"),
        )
        await queue.send(tx, "webhook_off", letter, user_id=row.user_id)


@cache
def _texts() -> Mapping[str, Mapping[str, Texts]]:
    source = files("hirewire.notifications.webhooks").joinpath("texts.toml").read_text("utf-8")
    return cast(Mapping[str, Mapping[str, Texts]], tomllib.loads(source))


async def forget_old(tx: Tx, days: int) -> bool:
    """Delete some deliveries of events that are older; True if there may be more."""
    gone = await tx.exec_driver_sql(_FORGET_OLD, (now() - timedelta(days=days), AT_ONCE))
    return gone.rowcount == AT_ONCE


async def forget_application(tx: Tx, key: str, but: str) -> None:
    """Delete the deliveries of an application, but those of this type."""
    its = webhook_delivery.c
    await tx.execute(delete(webhook_delivery).where(its.key == key, its.type != but))


async def set_operator(tx: Tx, user_id: UUID, *, is_operator: bool) -> None:
    """Keep whether somebody is an operator."""
    await tx.exec_driver_sql(_OPERATOR, (user_id, is_operator))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the deliveries about a person, answers of receivers that name them, and the webhooks
    of a company that nobody else acts for; returns how many records.
    """
    about = await tx.exec_driver_sql(_FORGET_DELIVERIES, (user_id, str(user_id)))
    answers = await tx.exec_driver_sql(_FORGET_ANSWERS, (str(user_id),))
    webhooks = await tx.exec_driver_sql(_LEFT_ALONE, (user_id,))
    role = await tx.exec_driver_sql("delete from operator where user_id = $1", (user_id,))
    return sum(one.rowcount for one in (about, answers, webhooks, role))
