"""From the commit of a changed resume to an employer's open page, over a broker.

The whole platform runs, as `hirewire run --broker rabbitmq` starts it, with more web processes
beside its own if `--processes` says so. A candidate's resume gains or loses a skill. The measured
time is from the response to that call (its transaction is committed by then) to the event in the
employer's stream, while pages of other people are open, the same number at each web process.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil

from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.assembly import PROCESSES
from hirewire.launcher.process import free_port, make_folder, spawn, stop

CHANGES, QUICK_CHANGES = 200, 20
STREAMS, QUICK_STREAMS = 2000, 20
PEOPLE = 100
START_SECONDS = 90.0


async def run(_: Bench, options: Options) -> list[Figure]:
    """The latency of one event, and that of the last of many pages."""
    figures: list[Figure] = []
    for count in options.processes:
        figures += await _measured(count, options)
    return figures


async def _measured(count: int, options: Options) -> list[Figure]:
    async with web_processes(count, options.broker) as urls, AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=None)
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=60, limits=limits)
            )
            for url in urls
        ]
        scene = Scene(clients[0])
        await scene.begin()
        page = await stack.enter_async_context(scene.page("employer", clients[-1]))
        alone = await scene.changes(page, options.count(CHANGES, QUICK_CHANGES))
        pages = [
            await stack.enter_async_context(scene.page(f"person {n % PEOPLE}", clients[n % count]))
            for n in range(options.count(STREAMS, QUICK_STREAMS))
        ]
        rounds = 10 if options.quick else 30
        before = _worked(urls)
        last = await scene.all_received([*pages, page], rounds)
        worked = [(b - a) / rounds for a, b in zip(before, _worked(urls), strict=True)]
    what = "1 web process" if count == 1 else f"{count} web processes"
    what += f" over {options.broker}"
    return [
        Figure(
            f"{what}, resume committed -> event on an employer's page: p50",
            [percentile(alone, 0.5)],
            "ms",
        ),
        Figure("… p95", [percentile(alone, 0.95)], "ms", at_most=50),
        Figure(f"… change -> last of {len(pages) + 1:,} pages: p50", [percentile(last, 0.5)], "ms"),
        Figure("… p95", [percentile(last, 0.95)], "ms"),
        Figure("… processor time of a change: all web processes", [sum(worked)], "ms"),
        Figure("… the busiest", [max(worked)], "ms"),
    ]


@asynccontextmanager
async def web_processes(count: int, broker: str) -> AsyncIterator[list[str]]:
    """The platform with so many web processes; yields the address of each."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        data, ports = Path(name) / "data", free_ports()
        Path(name).chmod(0o755)
        async with (
            platform(data, broker=broker, settings=ports) as url,
            AsyncExitStack() as stack,
        ):
            urls = [url]
            kept = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
            log = Path(name) / "web.log"
            for _ in range(1, count):
                own = {"HIREWIRE_DATA_DIR": str(data), "HIREWIRE_WEB_PORT": str(free_port())}
                argv = [sys.executable, "-m", "hirewire", "serve", "web"]
                with open(log, "ab") as output:
                    process = spawn(argv, env=kept | ports | own, output=output)
                stack.push_async_callback(stop, process, (signal.SIGTERM, 30))
                urls.append(f"http://127.0.0.1:{own['HIREWIRE_WEB_PORT']}")
                await _ready(urls[-1], log, set())
            yield urls


def _worked(urls: Sequence[str]) -> list[float]:
    """The processor time in milliseconds of the processes that listen at these addresses."""
    listening = {
        one.laddr.port: one.pid
        for one in psutil.net_connections("tcp")
        if one.laddr and one.status == psutil.CONN_LISTEN
    }
    pids = [listening[int(url.rpartition(":")[2])] for url in urls]
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return [(one.user + one.system) * 1000 for one in times]


@asynccontextmanager
async def platform(
    data: Path | None = None,
    *,
    broker: str = "rabbitmq",
    without: Sequence[str] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[str]:
    """The platform on free ports; yields its public address.

    Its data are in this folder, or in one that is removed afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = data or folder / "data"
        make_folder(data, for_others=True)
        ports = free_ports() | dict(settings)
        url = f"http://127.0.0.1:{ports['HIREWIRE_WEB_PORT']}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
        with open(folder / "log", "wb") as log:
            process = spawn(
                [
                    *(sys.executable, "-m", "hirewire", "run", "--broker", broker),
                    *(word for name in without for word in ("--without", name)),
                ],
                env=kept | ports | {"HIREWIRE_DATA_DIR": str(data)},
                output=log,
            )
        try:
            await _ready(url, folder / "log", set(without))
            yield url
        finally:
            await stop(process, (signal.SIGTERM, 30))


def free_ports() -> dict[str, str]:
    """Settings of the services' ports."""
    return {f"HIREWIRE_{one.upper()}_PORT": str(free_port()) for one in PROCESSES}


async def _ready(url: str, log: Path, without: Set[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient(timeout=2) as client:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                states = (await client.get(f"{url}/health/ready")).json().get("services", {})
                if {state for name, state in states.items() if name not in without} == {"ready"}:
                    return
            await asyncio.sleep(0.1)
    raise RuntimeError(f"the platform does not start: {log.read_text()[-2000:]}")


class Page:
    """An open stream, and when each event arrived."""

    def __init__(self) -> None:
        self.came: list[tuple[str, float]] = []
        self.opened = asyncio.Event()
        self.news = asyncio.Event()

    async def read(self, answer: httpx.Response) -> None:
        """Read until the stream ends."""
        async for line in answer.aiter_lines():
            self.opened.set()
            if line.startswith("event: "):
                self.came.append((line.removeprefix("event: "), time.perf_counter()))
                self.news.set()

    async def next(self, name: str, start: int, within: float = 20.0) -> float:
        """When the first matching event from this position on arrived."""
        async with asyncio.timeout(within):
            while True:
                for seen, moment in self.came[start:]:
                    if seen == name:
                        return moment
                self.news.clear()
                await self.news.wait()


class Scene:
    """An employer, a candidate, and other people with open pages."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._tokens: dict[str, str] = {}
        self._accounts: dict[str, dict[str, str]] = {}
        self.resume = self.vacancy = ""

    async def begin(self) -> None:
        """Publish a vacancy that the resume does not match yet."""
        body = {"companyName": "Bench", "phone": "+7 900 000-00-00"}
        await self.call("employer", "POST", "/api/vacancies/employer-profile", body)
        vacancy = {
            "title": "Data engineer",
            "description": "<p>Data.</p>",
            "requirements": [{"skill": "SQL"}, {"skill": "Python"}],
        }
        base = "/api/vacancies/vacancies"
        id = (await self.call("employer", "POST", base, vacancy))["id"]
        self.vacancy = f"{base}/{id}"
        await self.call("employer", "POST", f"{self.vacancy}/publish")
        resume = {"title": "Data engineer", "area": "Omsk", "skills": [{"name": "Python"}]}
        made = await self.call("candidate", "POST", "/api/profiles/resumes", resume)
        self.resume = f"/api/profiles/resumes/{made['id']}"
        await self.call("candidate", "PATCH", self.resume, await self._complete(made))

    async def _complete(self, made: dict[str, Any]) -> dict[str, Any]:
        missing = made["completeness"]["missingMandatory"]
        filled: dict[str, Any] = {"status": "published"}
        if "summary" in missing:
            filled["summary"] = "Data."
        return filled

    async def changes(self, page: Page, count: int) -> list[float]:
        """Milliseconds from the response to the event, for this many changes."""
        taken = []
        for n in range(count):
            taken.append(await self._change(page, gains=n % 2 == 0))
        return taken

    async def _change(self, page: Page, *, gains: bool) -> float:
        skills = [{"name": "Python"}] + ([{"name": "SQL"}] if gains else [])
        start = len(page.came)
        name = "recommendation.created" if gains else "recommendation.withdrawn"
        await self.call("candidate", "PATCH", self.resume, {"skills": skills})
        committed = time.perf_counter()
        return max(0.0, (await page.next(name, start) - committed) * 1000)

    async def all_received(self, pages: list[Page], count: int) -> list[float]:
        """Milliseconds from a change to the last page that receives it.

        All pages but one are other people's. The events that concern all of them are candidates'
        actions.
        """
        taken = []
        for n in range(count):
            starts = [len(page.came) for page in pages]
            skills = [{"name": "Python"}, {"name": f"Skill {n}"}]
            await self.call("candidate", "PATCH", self.resume, {"skills": skills})
            committed = time.perf_counter()
            moments = await asyncio.gather(
                *(p.next("activity", start) for p, start in zip(pages, starts, strict=True))
            )
            taken.append((max(moments) - committed) * 1000)
        return taken

    @asynccontextmanager
    async def page(self, who: str, client: httpx.AsyncClient | None = None) -> AsyncIterator[Page]:
        """An open stream of an employer, by default at the first web process."""
        page = Page()
        if who not in self._tokens and who != "employer":
            body = {"companyName": who, "phone": None}
            await self.call(who, "POST", "/api/vacancies/employer-profile", body)
        headers = {"Authorization": f"Bearer {await self._token(who)}"}
        async with (client or self.client).stream("GET", "/live", headers=headers) as answer:
            answer.raise_for_status()
            task = asyncio.create_task(page.read(answer))
            await page.opened.wait()
            try:
                yield page
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _token(self, who: str) -> str:
        if who not in self._tokens:
            self._accounts[who] = {
                "email": f"{who.replace(' ', '.')}.{secrets.token_hex(4)}@example.org",
                "password": secrets.token_urlsafe(12),
            }
            answer = await self.client.post("/api/auth/register", json=self._accounts[who])
            answer.raise_for_status()
            await self._sign_in(who)
        return self._tokens[who]

    async def _sign_in(self, who: str) -> str:
        login = await self.client.post("/api/auth/login", json=self._accounts[who])
        self._tokens[who] = login.raise_for_status().json()["accessToken"]
        return self._tokens[who]

    async def apply(self) -> str:
        """The candidate applies to the vacancy of the employer; returns the application's id."""
        body = {"resumeId": self.resume.rpartition("/")[2]}
        path = f"{self.vacancy}/applications"
        while True:
            try:
                return str((await self.call("candidate", "POST", path, body))["id"])
            except RuntimeError as error:
                if "resume_is_draft" not in str(error):  # its publication has not arrived yet
                    raise
            await asyncio.sleep(0.1)

    async def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """Call the API as this person, who registers before the first call."""
        headers = {
            "Authorization": f"Bearer {await self._token(who)}",
            "Idempotency-Key": secrets.token_hex(8),
        }
        for _ in range(400):
            answer = await self.client.request(method, path, json=body, headers=headers)
            if answer.status_code == 401:  # the token has ended
                headers["Authorization"] = f"Bearer {await self._sign_in(who)}"
            elif answer.status_code not in (404, 503, 504):  # keys or profiles are on their way
                break
            await asyncio.sleep(0.05)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {json.dumps(answer.text)}")
        return answer.json() if answer.content else None
