"""A TCP proxy that can cut, hang, slow down and heal the network between service and engine."""

import asyncio
import socket
from contextlib import suppress
from typing import Literal

Mode = Literal["open", "cut", "hung", "slow"]
CHUNK = 65536
SLOW_SECONDS = 0.05
"""The delay of each chunk in both directions, while slow."""


class Proxy:
    """Forwards connections from its own port to `target`, a port of `host`."""

    def __init__(self, target_port: int, host: str = "127.0.0.1", *, port: int = 0) -> None:
        """`port`: its own port; 0: any."""
        self.port = port
        self.mode: Mode = "open"
        self.target = target_port
        self._host = host
        self.sources: dict[int, int] = {}
        """For each connection to the target: its local port, and the client's port."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._healed = asyncio.Event()
        self._healed.set()

    async def start(self) -> None:
        """Listen on 127.0.0.1."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self.reset()
        self._healed.set()  # release whatever waits

    def cut(self) -> None:
        """Reset all connections and refuse new ones until `heal`."""
        self.mode = "cut"
        self.reset()

    def hang(self) -> None:
        """Accept everything and forward nothing until `heal`; neither side is notified."""
        self.mode = "hung"
        self._healed.clear()

    def slow(self) -> None:
        """Delay every chunk."""
        self.mode = "slow"

    def heal(self) -> None:
        """Forward everything again, including data that was held back."""
        self.mode = "open"
        self._healed.set()

    def reset(self) -> None:
        """Reset the existing connections (RST), as a restarting firewall does."""
        for writer in list(self._writers):
            raw = writer.get_extra_info("socket")
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.mode == "cut":
                writer.transport.abort()
                return
            try:
                there, back = await asyncio.open_connection(self._host, self.target)
            except OSError:
                writer.transport.abort()
                return
            self._writers.add(back)
            source = back.get_extra_info("sockname")[1]
            self.sources[source] = writer.get_extra_info("peername")[1]
            try:
                await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
            finally:
                del self.sources[source]
                self._writers.discard(back)
                back.close()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(CHUNK):
                if self.mode == "slow":
                    await asyncio.sleep(SLOW_SECONDS)
                await self._healed.wait()
                writer.write(data)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()
