"""Creates the sample data through the public API; existing items are left alone."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Literal

import httpx

from hirewire.tools.api_client import Account, Item, Refused, Unreachable
from hirewire.tools.sample_data.companies import Company, companies
from hirewire.tools.sample_data.people import Person, person
from hirewire.tools.sample_data.resumes import candidates, resumes_of
from hirewire.tools.sample_data.vacancies import vacancies_of

PASSWORD = "a board of examples"  # noqa: S105
"""The password of all sample accounts, which are for trying things out."""
AT_ONCE = 16
AT_A_TIME = 500
"""Rows in one request."""
VACANCIES = "/api/vacancies/vacancies"
EMPLOYER = "/api/vacancies/employer-profile"
RESUMES = "/api/profiles/resumes"
ME = "/api/profiles/me"
PROFILE_TRIES = 20

Start = Callable[[httpx.AsyncClient], Awaitable[None]]
What = Literal["accounts", "vacancies", "resumes"]


@dataclass
class Tally:
    """Numbers of items created, found and refused so far."""

    made: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    """Items that already existed."""
    refused: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Plan:
    """The sample data to create."""

    vacancies: int
    resumes: int
    seed: int
    today: date

    def employers(self) -> Iterator[tuple[Company, Person, int]]:
        """Companies with their employer, and the number of their vacancies."""
        for company, share in companies(self.seed, self.vacancies):
            yield company, person(self.seed, "employer", company.number, company.place), share

    def candidates(self) -> Iterator[tuple[Person, int]]:
        """People, and the number of their resumes."""
        return candidates(self.seed, self.resumes)


@dataclass
class Filler:
    """Creates the data of a plan. `on_change` is called after every item."""

    connect: Callable[[], httpx.AsyncClient]
    """A client of the platform. Each task has its own, with one connection: choosing a connection
    from a pool gets slower with their number.
    """
    plan: Plan
    on_change: Callable[[What], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> None:
        """Create what is missing. Raises `Unreachable` if the platform stops responding."""
        work = self._work()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._worker(work))
        except* Unreachable as errors:
            raise errors.exceptions[0] from None

    def _work(self) -> Iterator[Start]:
        """Companies and people, evenly mixed, so that all services are busy throughout."""
        employers, people = list(self.plan.employers()), list(self.plan.candidates())
        mixed: list[tuple[float, Start]] = []
        for number, one in enumerate(employers):
            # Large companies take long, so none of them may be the last.
            mixed.append((0.8 * number / len(employers), partial(self._employer, *one)))
        for number, somebody in enumerate(people):
            mixed.append((number / len(people), partial(self._candidate, *somebody)))
        return (start for _, start in sorted(mixed, key=lambda pair: pair[0]))

    async def _worker(self, work: Iterator[Start]) -> None:
        async with self.connect() as client:
            for start in work:
                await start(client)

    async def _employer(
        self, company: Company, who: Person, share: int, client: httpx.AsyncClient
    ) -> None:
        account = Account(client, who.email, PASSWORD)
        there: set[str] = set()
        try:
            new = self._entered(await account.enter())
            profile = None if new else await _profile(account)
            if profile is None:
                body = {"companyName": company.name, "phone": company.phone}
                await account.call(
                    "POST", EMPLOYER, body, key=self._key("employer", company.number)
                )
            else:
                listed = await account.pages(f"{VACANCIES}?mine=true")
                there = {item["title"] for item in listed}
            if company.described and (profile is None or profile["description"] is None):
                about = {"description": company.description, "site": company.site}
                await account.call("PATCH", EMPLOYER, about)
        except Refused as error:
            self._finish("vacancies", "refused", share, _general(error))
            return
        drafted = vacancies_of(self.plan.seed, company, share, self.plan.today)
        rows = [
            {**vacancy.body, "externalId": self._key("vacancy", number)}
            for number, vacancy in enumerate(drafted)
            if vacancy.body["title"] not in there
        ]
        self._finish("vacancies", "found", share - len(rows))
        for begin in range(0, len(rows), AT_A_TIME):
            some = rows[begin : begin + AT_A_TIME]
            sent = {"vacancies": some, "publish": True, "update": False}
            await self._import("vacancies", account, f"{VACANCIES}/import", sent)

    async def _candidate(self, who: Person, share: int, client: httpx.AsyncClient) -> None:
        account = Account(client, who.email, PASSWORD)
        there: set[str] = set()
        try:
            new = self._entered(await account.enter())
            if not new:
                there = {item["title"] for item in await account.pages(RESUMES)}
        except Refused as error:
            self._finish("resumes", "refused", share, _general(error))
            return
        written = resumes_of(self.plan.seed, who, share, self.plan.today)
        rows = [
            {
                "externalId": self._key("resume", number),
                "document": resume.document,
                "changes": resume.changes,
            }
            for number, resume in enumerate(written)
            if resume.title not in there
        ]
        self._finish("resumes", "found", share - len(rows))
        if rows:
            await self._import("resumes", account, f"{RESUMES}/import-all", {"resumes": rows})
        try:
            await _name(account, who, new=new)
        except Refused as error:
            self.tally.reasons[_general(error)] += 1

    async def _import(self, what: What, account: Account, path: str, body: Item) -> None:
        """Send rows in one request; each has its own answer."""
        key = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        try:
            answer = await account.call("POST", path, body, key=key)
        except Refused as error:
            self._finish(what, "refused", len(body[what]), _general(error))
            return
        for row in answer["rows"]:
            if row["outcome"] == "failed":
                problem = row["problem"]
                self._finish(what, "refused", 1, f"{problem['status']} {problem['code']}")
            else:
                self._finish(what, "found" if row["outcome"] == "unchanged" else "made")

    def _key(self, kind: str, number: int) -> str:
        """An idempotency key. Dates in the request depend on the day, so the key does too."""
        return f"board-{self.plan.seed}-{self.plan.today}-{kind}-{number}"

    def _entered(self, new: bool) -> bool:
        self._finish("accounts", "made" if new else "found")
        return new

    def _finish(self, what: What, how: str, count: int = 1, reason: str | None = None) -> None:
        counter: Counter[str] = getattr(self.tally, how)
        counter[what] += count
        if reason is not None:
            self.tally.reasons[reason] += 1
        for _ in range(count):
            self.on_change(what)


async def _profile(account: Account) -> Item | None:
    """The caller's company, if there is one. Raises `Refused`."""
    try:
        profile: Item = await account.call("GET", EMPLOYER)
    except Refused as error:
        if error.status != 404:
            raise
        return None
    return profile


async def _name(account: Account, who: Person, *, new: bool) -> None:
    """Set the profile's name if it has none; it appears a moment after the registration."""
    if not new:
        profile = await account.call("GET", ME)
        if profile["fullName"] not in ("", who.email):  # at first the name is the email address
            return
    area, locale = who.place.name(russian=who.russian), "ru" if who.russian else "en"
    body = {"fullName": who.full_name, "area": area, "locale": locale}
    for attempt in range(PROFILE_TRIES):
        try:
            await account.call("PATCH", ME, body)
            return
        except Refused as error:
            if error.status != 404 or attempt == PROFILE_TRIES - 1:
                raise
            await asyncio.sleep(0.5)


def _general(error: Refused) -> str:
    """The refusal without the parts that differ each time."""
    return f"{error.status} {error.slug}".strip()
