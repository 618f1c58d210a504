"""An SMTP server that takes all mails and notes when, in a process of its own.

`python -m bench.mail_sink FOLDER` writes its port to `FOLDER/port`, and one line for each mail to
`FOLDER/mails`: the time of its acceptance (seconds of the monotonic clock) and its reader.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO, cast

import uvloop


class Session(asyncio.Protocol):
    """One connection (RFC 5321), without extensions."""

    def __init__(self, mails: TextIO) -> None:
        self._mails = mails
        self._buffer = bytearray()
        self._reader = ""
        self._is_data = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # of uvloop, which has its own class
        self._say("220 sink")

    def data_received(self, data: bytes) -> None:
        """Answer each command, and each mail."""
        self._buffer += data
        while True:
            mark = b"\r\n.\r\n" if self._is_data else b"\r\n"
            end = self._buffer.find(mark)
            if end < 0:
                return
            line = bytes(self._buffer[:end]) if not self._is_data else b""
            del self._buffer[: end + len(mark)]
            if self._is_data:
                self._is_data = False
                self._mails.write(f"{time.monotonic():.6f} {self._reader}\n")
                self._mails.flush()
                self._say("250 taken")
            else:
                self._answer(line)

    def _answer(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._reader = line.partition(b"<")[2].partition(b">")[0].decode()
        if verb == b"DATA":
            self._is_data = True
        if verb == b"QUIT":
            self._say("221 bye")
            self._transport.close()
        else:
            self._say("354 go on" if verb == b"DATA" else "250 sink")

    def _say(self, text: str) -> None:
        self._transport.write(f"{text}\r\n".encode())


async def serve(folder: Path) -> None:
    """Take mails until killed."""
    with open(folder / "mails", "w") as mails:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Session(mails), "127.0.0.1", 0)
        (folder / "port").write_text(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
