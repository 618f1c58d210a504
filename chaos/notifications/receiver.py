"""A receiver of webhooks, in a process of its own: arguments are port, file and seed.

It answers 204 after the request is on the disk. At random it refuses one (500), or drops the
connection after it has taken one, so that the sender does not know.
"""

import asyncio
import json
import os
import random
import sys
import time

DEFERRED, DROPPED = 0.02, 0.02
"""The shares of the requests that are refused, and taken without an answer."""
LONGEST = 2 * 1024 * 1024


async def take(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, file: int, rng: random.Random
) -> None:
    """Take the requests of one connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            length = min(int(headers.get("content-length", "0")), LONGEST)
            body = await reader.readexactly(length)
            fate = rng.random()
            if fate < DEFERRED:
                writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
            else:
                line = {
                    "at": time.time(),
                    "path": first.split()[1],
                    "headers": headers,
                    "body": body.decode(),
                }
                os.write(file, json.dumps(line).encode() + b"\n")
                os.fsync(file)
                if fate < DEFERRED + DROPPED:
                    writer.transport.abort()
                    return
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(port: int, path: str, seed: int) -> None:
    """Serve until killed."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    rng = random.Random(seed)
    server = await asyncio.start_server(
        lambda reader, writer: take(reader, writer, file, rng), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
