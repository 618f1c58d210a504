"""The file of `notifications` in an export: `notices.json`."""

from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

from hirewire.contracts.notifications import NotificationsExported
from hirewire.kit.clock import now
from hirewire.kit.exports.files import (
    LEFT_OUT_EVERYWHERE,
    ExportFile,
    Exports,
    Record,
    Section,
    Subject,
    document,
)
from hirewire.kit.mail import queue
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions, Tx
from hirewire.notifications.tables import bounce, notice, person, preference, push_device

SECTIONS = (
    Section(
        "notices",
        notice,
        lambda id: notice.c.user_id == id,
        without={
            "event_id": "a number that connects two services",
            "mail_id": "a number that connects two tables",
            "mail_since": "soon empty again",
            "mailed_before": "what a mail said is counted by it",
            "mailed_count": "what a mail said is counted by it",
            "about_id": "the id of the application, the vacancy, the resume or the search",
        },
    ),
    Section(
        "bounces",
        bounce,
        lambda id: bounce.c.user_id == id,
        without={"source": "the mail server's or the provider's number of the report"},
    ),
    Section(
        "settings",
        person,
        lambda id: person.c.user_id == id,
        without={
            "email": "a copy of the address, which `auth` exports",
            "email_at": "when that copy was made",
            "is_verified": "a copy of what `auth` exports",
            "is_blocked": "a copy of the block, which `auth` exports",
            "blocked_at": "when that copy was made",
            "language": "a copy of what `auth` exports",
            "time_zone": "a copy of what `auth` exports",
            "locale_at": "when these copies were made",
            "unsubscribe_key": "a secret",
        },
    ),
    Section("preferences", preference, lambda id: preference.c.user_id == id),
    Section(
        "devices",
        push_device,
        lambda id: push_device.c.user_id == id,
        without={
            "session_id": "a number that connects two services",
            "key_id": "the board's own key",
            "mark": "a digest of a secret",
            "sealed": "a secret: whoever has it can write to the device",
            "hold_until": "when to try again",
            "leased_until": "which process tries",
            "attempt": "which process tries",
        },
    ),
)
ELSEWHERE = {"kit.mail": "mails"}
"""Tables that are exported in another way, with the member of the file."""
LEFT_OUT = LEFT_OUT_EVERYWHERE | {
    "employer": "a copy of what `vacancies` exports",
    "resume": "copies of titles, which `profiles` exports",
    "interview": "a copy of what `vacancies` exports",
    "application": "a copy of what `vacancies` exports",
    "counted_message": "ids only: which messages a notice counts",
    "push": "a queue: which of these notices are to be pushed",
    "push_key": "keys of the board",
    "notice_match": "which matches a notice counts; `vacancies` exports these",
    "found_vacancy": "which vacancies a notice counts; `vacancies` exports these",
    "withdrawn_match": "ids only, so that late events change nothing",
    "operator": "a copy of the role, which `auth` exports",
    "webhook": "of the company, and no person's",
    "webhook_secret": "a secret of the company",
    "webhook_delivery": "what was sent to a company's program: ids, from events",
    "webhook_lane": "how far deliveries are",
    "webhook_attempt": "what a company's program answered",
    "mail_plan": "when to look at what is to be mailed",
}
"""Tables with rows of a person that are not exported, and why."""


async def files(transactions: Transactions, subject: Subject) -> AsyncGenerator[ExportFile]:
    """`notices.json`: all notices that are kept, and mails that came back."""
    async with transactions() as tx:
        yield ExportFile("notices.json", _notices(tx, subject))


async def _notices(tx: Tx, subject: Subject) -> AsyncGenerator[bytes]:
    sections = {one.name: one.rows(tx, subject.user_id) for one in SECTIONS}
    async for piece in document(**sections, mails=_mails(tx, subject)):
        yield piece


async def _mails(tx: Tx, subject: Subject) -> AsyncIterator[Record]:
    """Which mails were sent: what they said is not stored."""
    for mail in await queue.sent_to(tx, subject.user_id):
        yield {
            "kind": mail.kind,
            "state": mail.state,
            "createdAt": mail.created_at,
            "endedAt": mail.ended_at,
        }


async def _made(tx: Tx, export_id: UUID, user_id: UUID) -> None:
    record(tx, NotificationsExported(export_id=export_id, user_id=user_id, made_at=now()))


EXPORTS = Exports(files, _made)
