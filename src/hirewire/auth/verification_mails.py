"""The mail with a link and a code that verify an address, at registration and on request."""

from datetime import timedelta
from uuid import UUID

import structlog

from hirewire.auth import one_time
from hirewire.auth.mails.letters import letter
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.secrets import NoSecretKey, marks
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)
LINK_LIFE = timedelta(hours=24)
CODE_LIFE = timedelta(minutes=30)


def marks_of(user_id: UUID, code: str) -> list[bytes]:
    """The digests by which a user's code is recognised, the current key's first."""
    return list(marks(f"{user_id} {code}", "email code"))


async def send_verification(
    tx: Tx,
    user_id: UUID,
    email: str,
    email_key: str,
    *,
    public_url: str,
    language: str | None,
    is_first: bool = False,
) -> None:
    """Send a link and a code to the address. Earlier ones stop working;
    `is_first`: there are none.

    Without `HIREWIRE_SECRET_KEY` no mail can be queued: the log says so, and people can register.
    """
    code = one_time.new_code()
    try:
        mark = marks_of(user_id, code)[0]
    except NoSecretKey as error:
        log.warning("no mail can be sent", error=str(error))
        return
    expires_at = now() + LINK_LIFE
    token = await one_time.issue(
        *(tx, user_id, email_key, "email_verification", LINK_LIFE),
        code_mark=mark,
        is_first=is_first,
    )
    mail = letter(
        "email_verification",
        to=email,
        language=language,
        link=f"{public_url}/email/verify?token={token}",
        code=code,
    )
    await queue.send(tx, "email_verification", mail, user_id=user_id, expires_at=expires_at)
