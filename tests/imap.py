"""A small IMAP server (RFC 9051) with one mailbox, for what a client of ours asks."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_UID = re.compile(r"UID (?P<act>SEARCH|FETCH|STORE|EXPUNGE) ?(?P<uid>\d*) ?(?P<rest>.*)")


@dataclass
class ImapServer:
    """The messages of the mailbox by their UID, and the flags of each."""

    messages: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    port: int = 0
    logins: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"imap://bounces:secret%2Fword@127.0.0.1:{self.port}/INBOX"

    def arrive(self, *messages: bytes) -> None:
        """Put messages into the mailbox."""
        for content in messages:
            uid = len(self.flags) + 1
            self.messages[uid], self.flags[uid] = content, set()

    @property
    def seen(self) -> list[int]:
        return [uid for uid in self.messages if "\\Seen" in self.flags[uid]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            for answer in self._answers(command):
                writer.write(answer + b"\r\n")
            writer.write(f"{tag} OK done\r\n".encode())
            await writer.drain()
            if command.upper().startswith("LOGOUT"):
                break
        writer.close()

    def _answers(self, command: str) -> list[bytes]:
        if command == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1" + (b" UIDPLUS" if self.logins else b"")]
        if command == "EXPUNGE":
            raise AssertionError("also deletes what others have marked")
        if command.startswith("LOGIN"):
            self.logins.append(command)
        if (found := _UID.match(command)) is None:
            return []
        act, rest = found["act"], found["rest"]
        if act == "SEARCH":
            new = [uid for uid in self.messages if not self.flags[uid]]
            return [b"* SEARCH " + " ".join(map(str, new)).encode()]
        uid = int(found["uid"])
        if act == "FETCH":
            most = int(rest.partition("<0.")[2].partition(">")[0])
            part = self.messages[uid][:most]
            return [b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n" % (uid, len(part)) + part + b")"]
        if act == "STORE":
            self.flags[uid] |= set(re.findall(r"\\\w+", rest))
        if act == "EXPUNGE" and "\\Deleted" in self.flags[uid]:
            del self.messages[uid]
        return []


@asynccontextmanager
async def imap_server() -> AsyncIterator[ImapServer]:
    """A server on a port of this machine."""
    made = ImapServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
