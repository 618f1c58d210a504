"""The memory of each service during an hour of mixed load: it must not grow.

The whole platform runs over RabbitMQ. People sign in, search, read, edit resumes and vacancies,
apply, print, look at recommendations and keep a page open for a while: a few requests per second,
so that the machine is not saturated. The board does not grow: the same resumes and vacancies are
edited, with words, skills and companies that have not been used before.
"""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx

from bench import plots
from bench.live import platform
from bench.measure import Figure, Options
from bench.places import Bench
from hirewire.assembly import PROCESSES

RATE = 6.0
"""Requests per second."""
SAMPLE_SECONDS = 5.0
WARM_SHARE = 1 / 6
"""Ten minutes of an hour, in which caches fill and the allocator reaches its size."""
MOST_GROWN = 3.0
"""Limit in MiB: the median of the last ten minutes minus that of the ten after the warm-up."""
CANDIDATES, RESUMES = 20, 3
EMPLOYERS, VACANCIES = 6, 5
OPEN_SECONDS = 3.0
TRADES = (
    ("Data engineer", ("Python", "SQL", "Apache Airflow", "PostgreSQL")),
    ("Backend developer", ("Python", "PostgreSQL", "Docker", "REST")),
    ("Frontend developer", ("JavaScript", "TypeScript", "React", "CSS")),
    ("Nurse", ("first aid", "patient care", "English")),
    ("Accountant", ("accounting", "Excel", "1C")),
)
AREAS = ("Omsk", "Moscow", "Yerevan", "Remote", "Riga")

Samples = Mapping[str, Sequence[tuple[float, float]]]
"""By service: seconds since the start, and MiB."""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Run the load for the given number of minutes."""
    seconds = (options.minutes or 60) * 60.0
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with platform(folder / "data") as url, _client(url) as client:
            crowd = Crowd(client)
            await crowd.gather()
            watching = asyncio.create_task(watch(folder / "data" / "run", seconds))
            await crowd.work(seconds)
            samples = await watching
    if options.folder is not None:
        plots.memory(options.folder / "memory.png", samples, seconds * WARM_SHARE)
    return figures(samples, seconds, crowd)


def figures(samples: Samples, seconds: float, crowd: "Crowd") -> list[Figure]:
    """The memory of each service, and its growth."""
    minutes = seconds / 60
    found = [
        Figure(f"{sum(crowd.done.values()):,} requests in", [minutes], "min"),
        Figure("… failed", [crowd.failed], "", at_most=0),
    ]
    for name, values in samples.items():
        found += [
            Figure(f"{name}: peak private memory", [max(mib for _, mib in values)], "MiB"),
            Figure(
                f"… growth after the first {minutes * WARM_SHARE:.0f} minutes",
                [grown(values, seconds)],
                "MiB",
                at_most=MOST_GROWN,
            ),
        ]
    return found


def grown(values: Sequence[tuple[float, float]], seconds: float) -> float:
    """Median MiB of the last sixth of the time minus that of the second sixth."""
    warm = seconds * WARM_SHARE
    first = [mib for at, mib in values if warm <= at < 2 * warm]
    last = [mib for at, mib in values if at >= seconds - warm]
    return statistics.median(last) - statistics.median(first)


async def watch(run_dir: Path, seconds: float) -> Samples:
    """Sample the memory of each service until the time is over; raises if one restarts."""
    pids = {name: _pid(run_dir, name) for name in PROCESSES}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in pids}
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        for name, pid in pids.items():
            if _pid(run_dir, name) != pid:
                raise RuntimeError(f"{name} restarted after {passed:.0f} s")
            samples[name].append((passed, private(pid)))
        await asyncio.sleep(SAMPLE_SECONDS)
    return samples


def private(pid: int) -> float:
    """MiB of anonymous memory of a process: memory that the machine cannot reclaim."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status does not say RssAnon")


def _pid(run_dir: Path, name: str) -> int:
    return int((run_dir / f"{name}.pid").read_text())


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=60)


class Person:
    """An account and its documents."""

    def __init__(self) -> None:
        self.credentials = {
            "email": f"person.{secrets.token_hex(6)}@example.org",
            "password": secrets.token_urlsafe(12),
        }
        self.token = ""
        self.things: list[str] = []


class Crowd:
    """People who use the platform; each request is one that they make every day."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._chance = Random(20261128)
        self._candidates = [Person() for _ in range(CANDIDATES)]
        self._employers = [Person() for _ in range(EMPLOYERS)]
        self.done: Counter[str] = Counter()
        self.failed = 0
        self._ways: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._signs_in, 8),
            (self._searches, 24),
            (self._reads_pages, 16),
            (self._searches_people, 8),
            (self._types, 5),
            (self._edits_resume, 14),
            (self._edits_vacancy, 8),
            (self._applies, 6),
            (self._looks, 5),
            (self._prints, 4),
            (self._stays, 2),
        ]

    async def gather(self) -> None:
        """Create all accounts, resumes for each candidate and open vacancies for each employer."""
        for person in (*self._candidates, *self._employers):
            await self._client.post("/api/auth/register", json=person.credentials)
            await self._sign_in(person)
        for person in self._employers:
            body = {"companyName": f"Company {secrets.token_hex(3)}", "phone": None}
            await self._ask(person, "POST", "/api/vacancies/employer-profile", body)
            for _ in range(VACANCIES):
                base = "/api/vacancies/vacancies"
                made = await self._ask(person, "POST", base, self._vacancy())
                await self._ask(person, "POST", f"{base}/{made['id']}/publish")
                person.things.append(made["id"])
        for person in self._candidates:
            await self._ask(person, "GET", "/api/profiles/me")
            for _ in range(RESUMES):
                made = await self._ask(person, "POST", "/api/profiles/resumes", self._resume())
                path = f"/api/profiles/resumes/{made['id']}"
                await self._ask(person, "PATCH", path, {"status": "published"})
                person.things.append(made["id"])
        self.done.clear()

    async def work(self, seconds: float) -> None:
        """Send requests at the rate until the time is over."""
        ways, weights = zip(*self._ways, strict=True)
        under_way: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        for nth in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, began + nth / RATE - time.monotonic()))
            while len(under_way) >= 16:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._one(self._chance.choices(ways, weights)[0]))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            await asyncio.wait(under_way)

    async def _one(self, way: Callable[[], Awaitable[None]]) -> None:
        self.done[way.__name__] += 1
        try:
            await way()
        except (httpx.HTTPError, RuntimeError) as error:
            self.failed += 1
            print(f"{way.__name__}: {error}"[:500], flush=True)

    async def _sign_in(self, person: Person) -> None:
        answer = await self._client.post("/api/auth/login", json=person.credentials)
        if answer.is_error:
            raise RuntimeError(f"login: {answer.status_code} {answer.text}")
        person.token = answer.json()["accessToken"]

    async def _ask(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        fine: Sequence[int] = (),
        **more: Any,
    ) -> Any:
        """The response; raises `RuntimeError` for an error that is not expected."""
        for _ in range(100):
            headers = {"Authorization": f"Bearer {person.token}"}
            answer = await self._client.request(method, path, json=body, headers=headers, **more)
            if answer.status_code == 401:
                await self._sign_in(person)
            elif self.done or answer.status_code in fine or answer.status_code not in (404, 503):
                break  # at first, keys and profiles have not arrived yet
            await asyncio.sleep(0.05)
        if answer.is_error and answer.status_code not in fine:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json and answer.content else None

    def _new(self) -> str:
        """A word that has not been used before."""
        return secrets.token_hex(self._chance.randint(3, 12))

    def _some_skills(self, known: Sequence[str]) -> list[str]:
        skills = self._chance.sample(known, self._chance.randint(2, len(known)))
        return [*skills, self._new()] if self._chance.random() < 0.5 else skills

    def _text(self) -> str:
        words = [self._new() if self._chance.random() < 0.1 else "useful" for _ in range(150)]
        return " ".join(words)

    def _vacancy(self) -> dict[str, Any]:
        title, known = self._chance.choice(TRADES)
        return {
            "title": f"{title} {self._chance.randint(1, 9)}",
            "description": f"<p>{self._text()}</p>",
            "area": self._chance.choice(AREAS),
            "requirements": [{"skill": skill} for skill in self._some_skills(known)],
        }

    def _resume(self) -> dict[str, Any]:
        title, known = self._chance.choice(TRADES)
        return {
            "title": f"{title} {self._chance.randint(1, 9)}",
            "area": self._chance.choice(AREAS),
            "skills": [{"name": skill, "level": 3} for skill in self._some_skills(known)],
            "summary": self._text(),
            "visibility": "recommended",
        }

    def _somebody(self) -> Person:
        return self._chance.choice((*self._candidates, *self._employers))

    def _open_vacancy(self) -> str:
        return self._chance.choice(self._chance.choice(self._employers).things)

    def _query(self) -> dict[str, str]:
        title, skills = self._chance.choice(TRADES)
        words = self._chance.choice((title, *skills, self._new(), f"{title} {self._new()}"))
        asked = {"q": words}
        if self._chance.random() < 0.4:
            asked["area"] = self._chance.choice(AREAS)
        return asked

    async def _signs_in(self) -> None:
        await self._sign_in(self._somebody())

    async def _searches(self) -> None:
        path = "/api/vacancies/vacancies"
        await self._ask(self._somebody(), "GET", path, params=self._query())

    async def _reads_pages(self) -> None:
        path = self._chance.choice(("/vacancies", "/", f"/vacancies/{self._open_vacancy()}"))
        params = self._query() if path == "/vacancies" else None
        (await self._client.get(path, params=params)).raise_for_status()

    async def _searches_people(self) -> None:
        person = self._chance.choice(self._employers)
        await self._ask(person, "GET", "/api/vacancies/resumes", params=self._query())

    async def _types(self) -> None:
        _, skills = self._chance.choice(TRADES)
        start = self._chance.choice((*skills, self._new()))[: self._chance.randint(1, 6)]
        await self._ask(self._somebody(), "GET", "/api/vacancies/skills", params={"q": start})

    async def _edits_resume(self) -> None:
        person = self._chance.choice(self._candidates)
        path = f"/api/profiles/resumes/{self._chance.choice(person.things)}"
        await self._ask(person, "PATCH", path, self._resume(), fine=(409,))

    async def _edits_vacancy(self) -> None:
        person = self._chance.choice(self._employers)
        path = f"/api/vacancies/vacancies/{self._chance.choice(person.things)}"
        await self._ask(person, "PATCH", path, self._vacancy(), fine=(409,))

    async def _applies(self) -> None:
        person = self._chance.choice(self._candidates)
        body = {"resumeId": self._chance.choice(person.things), "letter": self._text()}
        path = f"/api/vacancies/vacancies/{self._open_vacancy()}/applications"
        await self._ask(person, "POST", path, body, fine=(409,))

    async def _looks(self) -> None:
        person = self._chance.choice(self._employers)
        vacancy = self._chance.choice(person.things)
        path = self._chance.choice(
            ("recommendations", "applications", "activity", f"vacancies/{vacancy}/recommendations")
        )
        await self._ask(person, "GET", f"/api/vacancies/{path}")

    async def _prints(self) -> None:
        person = self._chance.choice(self._candidates)
        path = f"/api/profiles/resumes/{self._chance.choice(person.things)}/export"
        await self._ask(person, "GET", path, params={"format": "pdf"})

    async def _stays(self) -> None:
        """A user who stays on a page with live updates."""
        person = self._chance.choice(self._employers)
        headers = {"Authorization": f"Bearer {person.token}"}
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(OPEN_SECONDS),
                self._client.stream("GET", "/live", headers=headers) as answer,
            ):
                async for _ in answer.aiter_bytes():
                    pass
