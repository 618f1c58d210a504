"""Creates the sample data through the public API; existing items are left alone."""

import asyncio
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
from hirewire.tools.sample_data.resumes import Written, candidates, resumes_of
from hirewire.tools.sample_data.vacancies import Drafted, vacancies_of

PASSWORD = "a board of examples"  # noqa: S105
"""The password of all sample accounts, which are for trying things out."""
AT_ONCE = 16
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
        there: dict[str, Item] = {}
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
                there = {item["title"]: item for item in listed}
            if company.described and (profile is None or profile["description"] is None):
                about = {"description": company.description, "site": company.site}
                await account.call("PATCH", EMPLOYER, about)
        except Refused as error:
            self._finish("vacancies", "refused", share, error)
            return
        drafted = vacancies_of(self.plan.seed, company, share, self.plan.today)
        for number, vacancy in enumerate(drafted):
            before = there.get(vacancy.body["title"])
            await self._item("vacancies", self._vacancy(account, vacancy, before, number))

    async def _candidate(self, who: Person, share: int, client: httpx.AsyncClient) -> None:
        account = Account(client, who.email, PASSWORD)
        there: dict[str | None, Item] = {}
        try:
            new = self._entered(await account.enter())
            if not new:
                there = {item["title"]: item for item in await account.pages(RESUMES)}
        except Refused as error:
            self._finish("resumes", "refused", share, error)
            return
        written = resumes_of(self.plan.seed, who, share, self.plan.today)
        for number, resume in enumerate(written):
            before = there.get(resume.title)
            await self._item("resumes", self._resume(account, resume, before, number))
        try:
            await _name(account, who, new=new)
        except Refused as error:
            self.tally.reasons[_general(error)] += 1

    async def _item(self, what: What, sending: Awaitable[bool]) -> None:
        try:
            new = await sending
        except Refused as error:
            self._finish(what, "refused", 1, error)
        else:
            self._finish(what, "made" if new else "found")

    async def _vacancy(
        self, account: Account, vacancy: Drafted, before: Item | None, number: int
    ) -> bool:
        """Create and publish a vacancy, or publish a draft; returns whether it was new."""
        if before is not None and before["status"] != "draft":
            return False
        draft = before
        if draft is None:
            key = self._key("vacancy", number)
            draft = await account.call("POST", VACANCIES, vacancy.body, key=key)
        one = f"{VACANCIES}/{draft['id']}"
        try:
            await account.call("POST", f"{one}/publish")
        except Refused as error:
            # The response to an earlier attempt may have been lost.
            if error.status != 409 or (await account.call("GET", one))["status"] != "published":
                raise
        return True

    async def _resume(
        self, account: Account, resume: Written, before: Item | None, number: int
    ) -> bool:
        """Create a resume: work and education by an import, the rest by an update."""
        if before is not None and before["employmentTypes"]:
            return False
        made = before
        if made is None:
            key = self._key("resume", number)
            made = await account.call("POST", f"{RESUMES}/import", resume.document, key=key)
        one = f"{RESUMES}/{made['id']}"
        await account.call("PATCH", one, resume.changes)
        if resume.hidden:
            await account.call("PATCH", one, {"status": "hidden"})
        return True

    def _key(self, kind: str, number: int) -> str:
        """An idempotency key. Dates in the request depend on the day, so the key does too."""
        return f"board-{self.plan.seed}-{self.plan.today}-{kind}-{number}"

    def _entered(self, new: bool) -> bool:
        self._finish("accounts", "made" if new else "found")
        return new

    def _finish(self, what: What, how: str, count: int = 1, error: Refused | None = None) -> None:
        counter: Counter[str] = getattr(self.tally, how)
        counter[what] += count
        if error is not None:
            self.tally.reasons[_general(error)] += 1
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
