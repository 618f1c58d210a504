"""A mail server whose mails survive it: `python -m chaos.accounts.smtp PORT FILE SEED`.

It answers 250 after the mail is on the disk. At random it defers a mail (450), or drops the
connection after it has taken one, so that the sender does not know.
"""

import asyncio
import email
import email.policy
import json
import os
import random
import sys
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

DEFERRED, DROPPED = 0.03, 0.03
"""The shares of the mails that are deferred, and taken without an answer."""


class Recorder:
    """The handler: a line of JSON for each mail taken."""

    def __init__(self, path: str, rng: random.Random) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._rng = rng

    async def handle_DATA(  # noqa: N802 (called by this name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take the mail."""
        fate = self._rng.random()
        if fate < DEFERRED:
            return "450 4.2.0 try again later"
        mail = email.message_from_bytes(cast(bytes, envelope.content), policy=email.policy.default)
        body = mail.get_body(("plain",))
        line = {
            "id": str(mail["Message-ID"]),
            "to": envelope.rcpt_tos[0],
            "subject": str(mail["Subject"]),
            "text": body.get_content() if body else "",
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)
        if fate < DEFERRED + DROPPED and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 OK"


async def serve(port: int, path: str, seed: int) -> None:
    """Serve until killed."""
    recorder = Recorder(path, random.Random(seed))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(recorder, enable_SMTPUTF8=True, hostname="mail.test"), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
