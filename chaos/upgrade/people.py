"""People who use the board during an upgrade, and whether everything is as they were answered."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from pydantic import JsonValue

from chaos.world import eventually

SKILL = "Python"
PASSWORD = "correct horse battery"
SEEN_SECONDS = 30.0
PAUSE_SECONDS = 0.05
JUDGED_AT_ONCE = 4


@dataclass
class Account:
    """Who signs in."""

    email: str
    token: str = ""


@dataclass
class Application:
    """An application, with the messages of both sides that were answered as sent."""

    id: str
    boss: Account
    texts: list[str] = field(default_factory=list)


@dataclass
class Person:
    """A candidate, with what the answers said."""

    id: str
    account: Account
    resume: str = ""
    title: str = ""
    applications: list[Application] = field(default_factory=list)


class People:
    """The load: every request through the gateway, every answer noted."""

    def __init__(self, client: httpx.AsyncClient, seed: int) -> None:
        self._client = client
        self._rng = random.Random(seed)
        self._vacancies: list[tuple[str, Account]] = []
        self._stopping = asyncio.Event()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.people: list[Person] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: dict[str, JsonValue] | None = None,
        *,
        who: Account | None = None,
        allowed: tuple[int, ...] = (),
    ) -> httpx.Response | None:
        """One request, repeated only to sign in again after the token has ended.

        None if there was no answer, or one that is a fault.
        """
        answer = await self._once(method, path, body, who, (*allowed, 401) if who else allowed)
        if who is None or answer is None or answer.status_code != 401:
            return answer
        await self._sign_in(who)
        return await self._once(method, path, body, who, allowed)

    async def _sign_in(self, who: Account) -> bool:
        body: dict[str, JsonValue] = {"email": who.email, "password": PASSWORD}
        entered = await self.ask("POST", "/api/auth/login", body)
        who.token = entered.json()["accessToken"] if entered else ""
        return entered is not None

    async def _once(
        self,
        method: str,
        path: str,
        body: dict[str, JsonValue] | None,
        who: Account | None,
        allowed: tuple[int, ...],
    ) -> httpx.Response | None:
        headers = {"Authorization": f"Bearer {who.token}"} if who else {}
        what = f"{method} {path.rpartition('/')[0] or path}"
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.failures.append(f"{what}: {type(error).__name__} {error}")
            return None
        self.answers[str(answer.status_code)] += 1
        if answer.status_code >= 400 and answer.status_code not in allowed:
            self.failures.append(f"{what}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer

    async def begin(self, companies: int) -> None:
        """Companies with open vacancies."""
        for n in range(companies):
            boss = await self._register()
            assert boss is not None
            body: dict[str, JsonValue] = {"companyName": f"Company {n}", "phone": None}
            await self.ask("POST", "/api/vacancies/employer-profile", body, who=boss.account)
            await self._vacancy(boss.account)
        assert self._vacancies, self.failures

    async def _vacancy(self, who: Account) -> None:
        base = "/api/vacancies/vacancies"
        body: dict[str, JsonValue] = {
            "title": f"Job {self._rng.random():.6f}",
            "description": "<p>Work.</p>",
            "requirements": [{"skill": SKILL}],
        }
        made = await self.ask("POST", base, body, who=who)
        if made is None:
            return
        id = made.json()["id"]
        if await self.ask("POST", f"{base}/{id}/publish", who=who) is not None:
            self._vacancies.append((id, who))

    async def _register(self) -> Person | None:
        account = Account(f"p{self._rng.getrandbits(64):x}@example.org")
        body: dict[str, JsonValue] = {"email": account.email, "password": PASSWORD}
        made = await self.ask("POST", "/api/auth/register", body)
        if made is None or not await self._sign_in(account):
            return None
        person = Person(made.json()["id"], account)
        self.people.append(person)
        return person

    async def live(self, workers: int) -> None:
        """Use the board until `stop`."""
        await asyncio.gather(*(self._work() for _ in range(workers)))

    def stop(self) -> None:
        """Finish the current stories."""
        self._stopping.set()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            person = await self._register()
            if person is None or not await self._seen("/api/profiles/me", person.account):
                continue
            await self._edit(person)
            for _ in range(2):
                await self._apply(person)
            if self._rng.random() < 0.3:
                await self._vacancy(self._rng.choice(self._vacancies)[1])

    async def _seen(self, path: str, who: Account) -> bool:
        """Wait until an event has arrived; 404 is no fault until then."""

        async def there() -> bool:
            answer = await self.ask("GET", path, who=who, allowed=(404,))
            return answer is not None and answer.status_code == 200

        try:
            await eventually(there, SEEN_SECONDS, path)
        except TimeoutError:
            self.failures.append(f"GET {path}: not there after {SEEN_SECONDS:g} s")
            return False
        return True

    async def _edit(self, person: Person) -> None:
        base = "/api/profiles/resumes"
        body: dict[str, JsonValue] = {
            "title": "Cook 0",
            "status": "published",
            "skills": [{"name": SKILL}],
        }
        made = await self.ask("POST", base, body, who=person.account)
        if made is None:
            return
        person.resume, person.title = made.json()["id"], "Cook 0"
        for n in range(1, 6):
            path, title = f"{base}/{person.resume}", f"Cook {n}"
            if await self.ask("PATCH", path, {"title": title}, who=person.account) is not None:
                person.title = title
            await self.ask("GET", "/api/vacancies/vacancies?q=job")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _apply(self, person: Person) -> None:
        vacancy, boss = self._rng.choice(self._vacancies)
        path = f"/api/vacancies/vacancies/{vacancy}/applications"
        made: list[httpx.Response] = []

        async def applied() -> bool:
            answer = await self.ask(
                "POST", path, {"resumeId": person.resume}, who=person.account, allowed=(404, 409)
            )
            if answer is not None and answer.status_code != 404:
                made.append(answer)
            return answer is None or answer.status_code != 404

        await eventually(applied, SEEN_SECONDS, "the resume is known")
        if not made or made[0].status_code == 409:
            return
        application = Application(made[0].json()["id"], boss)
        person.applications.append(application)
        one = f"/api/vacancies/applications/{application.id}/messages"
        for n in range(4):
            text, who = f"Message {n}", (boss, person.account)[n % 2]
            if await self.ask("POST", one, {"text": text}, who=who) is not None:
                application.texts.append(text)

    async def judge(self) -> list[str]:
        """What is not as it was answered: missing, there twice, or in another order."""
        wrong: list[str] = []
        places = asyncio.Semaphore(JUDGED_AT_ONCE)

        async def one(person: Person) -> None:
            async with places:
                await self._judge(person, wrong)

        await asyncio.gather(*(one(person) for person in self.people if person.resume))
        return wrong

    async def _judge(self, person: Person, wrong: list[str]) -> None:
        boss = self._vacancies[0][1]
        path = f"/api/profiles/resumes/{person.resume}"
        own = await self.ask("GET", path, who=person.account)
        if own is None or own.json()["title"] != person.title:
            wrong.append(f"resume {person.resume}: not {person.title}")
        card = f"/api/vacancies/resumes/{person.resume}"

        async def newest() -> bool:
            seen = await self.ask("GET", card, who=boss, allowed=(404,))
            return seen is not None and seen.json().get("title") == person.title

        await _noted(wrong, f"card of {person.resume}: not {person.title}", newest)
        for one in person.applications:
            path = f"/api/vacancies/applications/{one.id}/messages?limit=100"
            page = await self.ask("GET", path, who=person.account)
            texts = [item["text"] for item in page.json()["items"]] if page else []
            if [text for text in reversed(texts) if text] != one.texts:
                wrong.append(f"application {one.id}: {texts} instead of {one.texts}")


async def _noted(wrong: list[str], what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    try:
        await eventually(condition, SEEN_SECONDS, what)
    except TimeoutError:
        wrong.append(what)
