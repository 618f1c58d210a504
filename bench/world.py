"""What a worker is given, and how it speaks with the bench."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class World:
    """What a worker is given."""

    writer: str
    reader: str
    broker: str
    queue: str
    options: dict[str, Any]
    input: asyncio.StreamReader

    async def go(self) -> None:
        """Say that all is loaded; return when the word to begin comes."""
        print("ready", flush=True)
        await self.again()

    async def again(self) -> None:
        """Return at the word to go on, or that it is enough (`enough`)."""
        await self.input.readline()

    @property
    def enough(self) -> bool:
        """Whether nothing more is asked."""
        return self.input.at_eof()

    async def end(self) -> None:
        """Return at the word that it is enough."""
        await self.input.read()

    def report(self, **figures: object) -> None:
        """Hand figures over."""
        print(json.dumps(figures), flush=True)
