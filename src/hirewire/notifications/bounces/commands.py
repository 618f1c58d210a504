"""Commands that note bounces, stop mails to an address, and begin again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError, Kind
from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Tx
from hirewire.notifications.bounces import queries, rules
from hirewire.notifications.bounces.queries import Reader
from hirewire.notifications.bounces.reports import Report
from hirewire.notifications.bounces.rules import Bounce
from hirewire.notifications.tables import bounce, person

log = structlog.get_logger(__name__)
AT_ONCE = 1000
BOUNCES = Counter(
    "hirewire_bounces", "Bounces of mails, by kind, and whether they counted", ["kind", "outcome"]
)


class TriedLately(AppError):
    """Mails to this address were tried again a short time ago; try again later."""

    slug = "too-many"
    code = "email_tried_lately"
    kind = Kind.TOO_MANY


@dataclass(frozen=True, slots=True)
class Reported:
    """A bounce as the mail provider reports it."""

    id: str
    """The provider's id of it: a report that is repeated counts once."""
    address: str
    kind: Bounce
    at: datetime
    status: str | None = None


async def note_report(tx: Tx, report: Report) -> bool:
    """Note what a mail server reports. False if no mark is that of a mail to somebody here."""
    for mark in report.marks:
        reader = await queries.reader_of_mail(tx, mark)
        if reader is not None:
            source = f"mail {mark.mail_id} {report.kind}"
            await _note(tx, reader, report.kind, source, now(), report.status)
            return True
    BOUNCES.labels(report.kind, "unknown").inc()
    return False


async def note_reported(tx: Tx, reported: Reported) -> bool:
    """Note what the mail provider reports. False if that is about nobody's address here."""
    at = min(reported.at, now())
    reader = await queries.reader_at(tx, reported.address, at)
    if reader is None or at < now() - rules.KEPT:
        BOUNCES.labels(reported.kind, "unknown").inc()
        return False
    await _note(tx, reader, reported.kind, f"provider {reported.id}", at, reported.status)
    return True


async def note_refusal(tx: Tx, refusal: queue.Refusal) -> None:
    """Note that the SMTP server refused a mail for good."""
    kind = rules.of_refusal(refusal.code, refusal.status, of_reader=refusal.of_reader)
    if kind is None:
        return
    reader = await queries.reader_with(tx, refusal.user_id, refusal.address)
    if reader is not None:
        status = refusal.status or str(refusal.code)
        await _note(tx, reader, kind, f"mail {refusal.mail_id} {kind}", now(), status)


async def _note(
    tx: Tx, reader: Reader, kind: Bounce, source: str, at: datetime, status: str | None
) -> None:
    added = await tx.execute(
        insert(bounce)
        .values(source=source, user_id=reader.user_id, kind=kind, status=status, at=at)
        .on_conflict_do_nothing()
    )
    BOUNCES.labels(kind, "counted" if added.rowcount else "repeated").inc()
    if not added.rowcount or reader.is_stopped:
        return
    days = await queries.soft_days(tx, reader.user_id, now() - rules.WITHIN)
    reason = rules.stops(kind, days)
    if reason is None:
        return
    await tx.execute(
        update(person)
        .where(person.c.user_id == reader.user_id)
        .values(mail_stopped_at=now(), mail_stopped_for=reason)
    )
    dropped = await queue.drop(tx, reader.user_id)
    log.info("mails stopped", user=str(reader.user_id), reason=reason, dropped=dropped)


async def try_again(tx: Tx, user_id: UUID) -> None:
    """Send mails to a stopped address again, from the next one on. Raises `TriedLately`.

    What was reported before does not count any more, and neither do reports of mails of before.
    """
    stop = await queries.stop(tx, user_id, lock=True)
    if stop.since is None:
        return
    moment = now()
    if stop.tried_at is not None:
        left = stop.tried_at + rules.TRIES_EVERY - moment
        if left > timedelta():
            raise TriedLately(retry_after=int(left.total_seconds()) + 1)
    await tx.execute(delete(bounce).where(bounce.c.user_id == user_id))
    await tx.execute(
        update(person)
        .where(person.c.user_id == user_id)
        .values(mail_stopped_at=None, mail_stopped_for=None, mail_tried_at=moment)
    )


async def forget_old(tx: Tx) -> bool:
    """Delete some of the old bounces. True if there may be more."""
    its = bounce.c
    chosen = select(its.source).where(its.at <= now() - rules.KEPT).order_by(its.at).limit(AT_ONCE)
    sources = (await tx.execute(chosen.with_for_update(skip_locked=True))).scalars().all()
    await tx.execute(delete(bounce).where(among(its.source, sources)))
    return len(sources) == AT_ONCE
