"""The command that asks a person by mail."""

from typing import Literal
from uuid import UUID

from hirewire.auth.mails.letters import letter
from hirewire.auth.readers import reader_if_any
from hirewire.contracts.auth import UserRetentionNotified
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

Kind = Literal["retention_resumes", "retention_applications"]
PAGE = "/account/keep"


async def ask(tx: Tx, kind: Kind, notice_id: UUID, user_id: UUID) -> None:
    """Queue the mail, once for a notice, and record `UserRetentionNotified`.

    Nothing is recorded for an account that does not exist: nothing is deleted then.
    """
    reader = await reader_if_any(tx, user_id)
    if reader is None:
        return
    mail = letter(kind, to=reader.email, language=reader.language, link=PAGE)
    await queue.send(tx, kind, mail, user_id=user_id, id=notice_id)
    record(tx, UserRetentionNotified(notice_id=notice_id, user_id=user_id, at=now()))
