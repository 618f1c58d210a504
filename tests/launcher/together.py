"""Run by a test: two applications in one process, at the two ports given. Says what they do."""

import asyncio
import sys

from starlette.types import Receive, Scope, Send

from hirewire.kit.settings import Settings
from hirewire.launcher.serving import Served, serve_applications


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def application(name: str) -> Served:
    """An application that says when it starts and stops, and answers half a second late."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                say(f"{name} {step}")
                await send({"type": f"lifespan.{step}.complete"})
            return
        say(f"{name} was asked")
        await asyncio.sleep(0.5)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    place = ("first", "second").index(name) + 1
    return Served(name, app, Settings(), int(sys.argv[place]))


if __name__ == "__main__":
    serve_applications([application("first"), application("second")])
