"""Employers with webhooks, candidates with resumes, and what they do with applications."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from pydantic import JsonValue

from chaos.accounts.people import Client, Person, register, sign_in
from chaos.notifications.platform import NoticePlatform

EVENTS = ("application.submitted", "application.stage_changed", "application.message_sent")
COMPANIES, VACANCIES = 4, 12
CANDIDATES = 24
SKILL = "Python"
CODE = re.compile(r"^ {4}(\d{6})\s*$", re.MULTILINE)


@dataclass
class Member:
    """Somebody who is signed in."""

    person: Person
    token: str = ""


@dataclass
class Company:
    """An employer, the vacancies and the webhook."""

    boss: Member
    id: str = ""
    vacancies: list[str] = field(default_factory=list)
    webhook: str = ""
    secret: str = ""


@dataclass
class Candidate:
    """A candidate and the resume."""

    who: Member
    resume: str = ""


class Board:
    """Everybody, and what they do."""

    def __init__(self, platform: NoticePlatform, client: Client, seed: int) -> None:
        self._platform, self._client, self._seed = platform, client, seed
        self.companies: list[Company] = []
        self.candidates: list[Candidate] = []
        self.steps = 0

    async def call(
        self,
        who: Member,
        method: str,
        path: str,
        body: Mapping[str, JsonValue] | None = None,
        *,
        key: str = "",
        good: tuple[int, ...] = (200, 201, 204, 409),
    ) -> httpx.Response:
        """Call the API until it answers, signing in again when the token has ended.

        409: it was done before, and the answer was lost.
        """
        while True:
            if not who.token:
                who.token = await sign_in(self._client, who.person)
            answer = await self._client.ask(
                method, path, body, token=who.token, key=key, good=(*good, 401)
            )
            if answer.status_code != 401:
                return answer
            who.token = ""

    async def begin(self) -> None:
        """Companies with open vacancies and webhooks, and candidates whose resumes fit."""
        for n in range(COMPANIES):
            self.companies.append(await self._company(n))
        for n in range(CANDIDATES):
            self.candidates.append(await self._candidate(n))

    async def _member(self, name: str) -> Member:
        member = Member(Person(f"{name}-{self._seed}@chaos.test"))
        await register(self._client, member.person)
        # Mails about notices go to confirmed addresses only.
        mail = await self._client.mail(lambda one: one.to == member.person.email)
        [code] = CODE.findall(mail.text)[:1]
        await self.call(member, "POST", "/api/auth/email/verify", {"code": code})
        return member

    async def _company(self, n: int) -> Company:
        company = Company(await self._member(f"boss{n}"))
        body: dict[str, JsonValue] = {"companyName": f"Company {n}", "phone": None}
        path = "/api/vacancies/employer-profile"
        made = await self.call(company.boss, "POST", path, body, key=f"company-{n}")
        company.id = made.json()["companyId"]
        for m in range(VACANCIES):
            vacancy: dict[str, JsonValue] = {
                "title": f"Job {n}.{m}",
                "description": "<p>Work.</p>",
                "requirements": [{"skill": SKILL}],
            }
            path = "/api/vacancies/vacancies"
            key = f"vacancy-{n}-{m}"
            made = await self.call(company.boss, "POST", path, vacancy, key=key)
            id = made.json()["id"]
            await self.call(company.boss, "POST", f"{path}/{id}/publish", key=f"publish-{n}-{m}")
            company.vacancies.append(id)
        hook: dict[str, JsonValue] = {
            "url": f"http://127.0.0.1:{self._platform.receiver_port}/hook/{n}",
            "events": list(EVENTS),
        }
        path = "/api/notifications/webhooks"
        made = await self.call(company.boss, "POST", path, hook, key=f"webhook-{n}")
        company.webhook, company.secret = made.json()["id"], made.json()["secret"]
        return company

    async def _candidate(self, n: int) -> Candidate:
        candidate = Candidate(await self._member(f"candidate{n}"))
        body: dict[str, JsonValue] = {
            "title": f"Cook {n}",
            "summary": "Cooks.",
            "status": "published",
            "skills": [{"name": SKILL}],
        }
        path = "/api/profiles/resumes"
        made = await self.call(candidate.who, "POST", path, body, key=f"resume-{n}")
        candidate.resume = made.json()["id"]
        return candidate

    async def story(self, number: int) -> None:
        """An application from its beginning to its end. Each step is done once, however often it
        is asked for.
        """
        rng = random.Random(f"{self._seed} {number}")
        candidate = self.candidates[number % CANDIDATES]
        company = self.companies[number // CANDIDATES % COMPANIES]
        vacancy = company.vacancies[number // CANDIDATES // COMPANIES]
        path = f"/api/vacancies/vacancies/{vacancy}/applications"
        body: dict[str, JsonValue] = {"resumeId": candidate.resume}
        made = await self.call(candidate.who, "POST", path, body, key=f"apply-{number}")
        found = made.json()
        one = f"/api/vacancies/applications/{found.get('id') or found['applicationId']}"
        for n, (who, act, sent) in enumerate(_steps(rng, candidate.who, company.boss)):
            await self.call(who, "POST", f"{one}/{act}", sent, key=f"step-{number}-{n}")
            self.steps += 1


def _steps(
    rng: random.Random, candidate: Member, boss: Member
) -> list[tuple[Member, str, dict[str, JsonValue]]]:
    steps: list[tuple[Member, str, dict[str, JsonValue]]] = []
    for stage in ("consider", "assessment", "interview", "offer")[: rng.randint(1, 4)]:
        steps.append((boss, "stage", {"stage": stage}))
        for who in (boss, candidate):
            for _ in range(rng.randint(0, 2)):
                steps.append((who, "messages", {"text": f"Hello {rng.random()}"}))
    if rng.random() < 0.3:
        steps.append((candidate, "withdraw", {}))
    elif rng.random() < 0.5:
        steps.append((boss, "stage", {"stage": "discard_by_employer", "reason": "other"}))
    return steps
