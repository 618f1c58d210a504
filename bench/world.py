"""What a worker gets, and how it communicates with the benchmark."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class World:
    """What a worker gets."""

    writer: str
    reader: str
    broker: str
    queue: str
    options: dict[str, Any]
    input: asyncio.StreamReader

    async def go(self) -> None:
        """Report that everything is loaded; returns when the start is requested."""
        print("ready", flush=True)
        await self.again()

    async def again(self) -> None:
        """Wait for the next line: to continue, or that it is enough (`enough`)."""
        await self.input.readline()

    async def received(self) -> Any:
        """The next line, which is JSON; None at the end."""
        line = await self.input.readline()
        return json.loads(line) if line else None

    @property
    def enough(self) -> bool:
        """Whether the worker is to end."""
        return self.input.at_eof()

    async def end(self) -> None:
        """Wait until the worker is to end."""
        await self.input.read()

    def report(self, **figures: object) -> None:
        """Report figures to the benchmark."""
        print(json.dumps(figures), flush=True)
