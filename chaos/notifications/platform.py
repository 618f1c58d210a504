"""The platform of `chaos.accounts` with a receiver of webhooks, and faults of what notices need."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.accounts.platform import Platform
from chaos.replica import ROOT
from hirewire.launcher.process import free_port, spawn


@dataclass(frozen=True)
class Request:
    """A request as the receiver took it."""

    at: float
    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers.get("webhook-id", "")


class NoticePlatform(Platform):
    """Services, engines, mail server and receiver in one folder."""

    def __init__(self, folder: Path, seed: int, *, broker: str) -> None:
        super().__init__(folder, seed, broker=broker)
        self._requests = folder / "requests.jsonl"
        self.receiver_port = free_port()
        self._receiver: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Those of the platform; requests may go to this machine."""
        return {**super().environment, "HIREWIRE_OUTGOING_NETWORKS": "127.0.0.0/8"}

    async def start(self) -> None:
        """Start everything."""
        self._requests.touch()
        self.start_receiver()
        await super().start()

    async def stop(self) -> None:
        """Stop everything."""
        await super().stop()
        if self._receiver is not None:
            self._receiver.kill()
            self._receiver.wait()

    def start_receiver(self) -> None:
        """Start the receiver of webhooks."""
        self._receiver = spawn(
            [
                *(sys.executable, "-m", "chaos.notifications.receiver"),
                *(str(self.receiver_port), str(self._requests), str(self._seed)),
            ],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )

    def requests(self) -> list[Request]:
        """All requests that the receiver has taken, the oldest first."""
        lines = self._requests.read_bytes().splitlines()
        return [Request(**json.loads(line)) for line in lines]

    def victims(self) -> Sequence[str]:
        """What a fault hits, as often as it is named."""
        engines = ["rabbitmq"] if self._broker == "rabbitmq" else []
        often = ["notifications"] * 4 + ["smtp", "smtp", "receiver", "receiver"]
        return [*often, "vacancies", "auth", *engines, *engines, "postgres"]

    async def fault(self, rng: random.Random) -> None:
        """One fault."""
        victim = rng.choice(self.victims())
        if victim == "receiver":
            await self._receiver_away(rng)
        else:
            await self.hit(victim, rng)

    async def _receiver_away(self, rng: random.Random) -> None:
        assert self._receiver is not None
        self.faults["receiver killed"] += 1
        self._receiver.kill()
        self._receiver.wait()
        try:
            await asyncio.sleep(rng.uniform(0, 8))
        finally:
            self.start_receiver()
