"""Live updates by two web processes, one of which is killed."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from hirewire.contracts.auth import UserRoleChanged
from hirewire.launcher.process import free_port, stop
from hirewire.messaging.broker import Message, open_broker
from tests.builders import eventually
from tests.journeys.forked import fork
from tests.web.conftest import serving
from tests.web.streaming import Behind, Page, token

PAGES = 6


class Follower:
    """A page of its own person that opens its stream again at another process when it ends."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.person = uuid4()
        self.page = Page()
        self.openings: list[int] = []
        """How many events had come whenever the stream was opened."""

    async def follow(self) -> None:
        while True:
            async with httpx.AsyncClient(base_url=self.urls[0], timeout=30) as client:
                self.openings.append(len(self.page.events))
                with suppress(httpx.HTTPError, AssertionError):
                    await self.page.read(client, token(self.person))
            self.page.opened.clear()
            self.urls.append(self.urls.pop(0))
            await asyncio.sleep(0.05)

    def ids(self) -> list[str]:
        """The ids of the events that have come."""
        return [id.partition(".")[0] for _, _, id in self.page.events if id]


@asynccontextmanager
async def web_processes(
    broker_url: str, count: int, log: Path
) -> AsyncIterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Web processes over this broker, by their addresses, in front of `Behind`."""
    behind_port = free_port()
    processes: dict[str, subprocess.Popen[bytes]] = {}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    environment["HIREWIRE_BROKER_URL"] = broker_url
    for name in ("AUTH", "PROFILES", "VACANCIES", "NOTIFICATIONS"):
        environment[f"HIREWIRE_{name}_PORT"] = str(behind_port)
    async with serving(Behind(), behind_port):
        for _ in range(count):
            port = free_port()
            given = environment | {"HIREWIRE_WEB_PORT": str(port)}
            processes[f"http://127.0.0.1:{port}"] = fork(["serve", "web"], env=given, log=log)
        try:
            yield processes
        finally:
            for process in processes.values():
                await stop(process, (signal.SIGTERM, 10))


async def test_pages_of_two_processes_get_all_and_miss_nothing_when_one_is_killed(
    broker_url: str, tmp_path: Path
) -> None:
    broker = open_broker(broker_url, client="test")
    await broker.declare([])

    async def say(person: UUID) -> str:
        event, id = UserRoleChanged(user_id=person, role="employer"), str(uuid4())
        body = event.model_dump_json(by_alias=True).encode()
        message = Message(id, event.name, event.key, body, {}, mandatory=False)  # no queue gets it
        await broker.publish([message])
        return id

    async with (
        web_processes(broker_url, 2, tmp_path / "web.log") as processes,
        AsyncExitStack() as stack,
    ):
        urls = list(processes)
        pages = [Follower(urls[nth % 2 :] + urls[: nth % 2]) for nth in range(PAGES)]
        for one in pages:
            following = asyncio.create_task(one.follow())
            stack.callback(following.cancel)

        async def all_get_events() -> bool:  # each process consumes
            for one in pages:
                await say(one.person)
            await asyncio.sleep(0.1)
            return all(one.ids() for one in pages)

        await eventually(all_get_events, within=60)
        before = [await say(one.person) for one in pages]
        for one, id in zip(pages, before, strict=True):
            await eventually(partial(has, one, id))
        moved = [one for one in pages if one.urls[0] == urls[0]]
        opened = [len(one.openings) for one in pages]
        processes[urls[0]].kill()
        between = {one.person: await say(one.person) for one in pages}

        async def all_are_open() -> bool:
            return all(one.urls[0] == urls[1] and one.page.opened.is_set() for one in pages)

        await eventually(all_are_open)
        after = {one.person: await say(one.person) for one in pages}
        for one, count in zip(pages, opened, strict=True):
            await eventually(partial(has, one, after[one.person]))
            assert len(one.ids()) == len(set(one.ids())), "none came twice"
            if one in moved:
                names = [name for name, _, _ in one.page.events[one.openings[count] :]]
                assert names[0] == "catch-up", "it reads again what it may have missed"
            else:
                assert between[one.person] in one.ids()
    await broker.close()


async def has(page: Follower, id: str) -> bool:
    return id in page.ids()
