"""`hirewire demo`: the three scenarios and further steps, through the public API.

Each step is a call and its effect in another service. The printed time is from the response of the
call to the moment when the effect was seen; the duration of the call is printed before it.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from hirewire.tools.api_client import Unreachable, reach
from hirewire.tools.demo_channels import channels, confirm_address

WITHIN_SECONDS = 15.0
POLL_SECONDS = 0.002
RESUMES = "/api/profiles/resumes"
EXPERIENCE = {"company": "Acme", "position": "Developer", "start": "2021-03"}
EDUCATION = {
    "organization": "ITMO University",
    "field": "Software",
    "startYear": 2016,
    "endYear": 2020,
}
SKILLS = [{"name": "Python", "level": 4}, {"name": "PostgreSQL", "level": 4}]
CHANGES: tuple[tuple[str, str, str, Any, int, str], ...] = (
    ("names more skills", "PATCH", "", {"skills": SKILLS}, 200, "updated"),
    ("adds experience", "POST", "/experience", EXPERIENCE, 201, "experience_added"),
    ("adds education", "POST", "/education", EDUCATION, 201, "education_added"),
    ("deletes the resume", "DELETE", "", None, 204, "deleted"),
)
"""Changes of a resume: name, call (with its path within the resume), status and action."""


TITLE = "Backend developer"
NOTHING_ELSE: Mapping[str, Callable[[Any], Awaitable[bool]]] = MappingProxyType({})


class DemoFailed(Exception):
    """A step of the demo has failed."""


@dataclass
class Step:
    """One line of the table."""

    what: str
    call_ms: float | None
    """None: a further effect of the step before."""
    effect: str = ""
    effect_ms: float | None = None


@dataclass
class Demo:
    """The state of the demo so far."""

    client: httpx.AsyncClient
    steps: list[Step] = field(default_factory=list)
    on_step: Callable[[Step], None] = lambda _: None
    tokens: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    reads_mails: bool = False
    """Whether the mails can be read to the employer, whose address is confirmed."""

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, expect: int = 200
    ) -> tuple[Any, float]:
        """Call the public API; returns the response and the milliseconds it took."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {}
        started = time.perf_counter()
        response = await self.client.request(method, path, json=body, headers=headers)
        spent = (time.perf_counter() - started) * 1000
        if response.status_code != expect:
            raise DemoFailed(
                f"{method} {path} answered {response.status_code}, not {expect}: "
                f"{response.text[:300]}"
            )
        return (response.json() if response.content else None), spent

    async def step(
        self,
        what: str,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        expect: int = 200,
        effect: str = "",
        seen: Callable[[Any], Awaitable[bool]] | None = None,
        also: Mapping[str, Callable[[Any], Awaitable[bool]]] = NOTHING_ELSE,
    ) -> Any:
        """Make a call and, if `seen` is given, wait for its effect; `seen` gets the response.

        `also` are further effects, which are timed at the same time. Raises `DemoFailed`.
        """
        answer, call_ms = await self.call(who, method, path, body, expect=expect)
        steps = [Step(what, call_ms, effect)]
        if seen is not None:
            checks = {effect: seen, **also}
            steps += [Step("", None, one) for one in also]
            started = time.perf_counter()
            waits = (_until(what, one, check, answer, started) for one, check in checks.items())
            for step, waited in zip(steps, await asyncio.gather(*waits), strict=True):
                step.effect_ms = waited
        for step in steps:
            self.steps.append(step)
            self.on_step(step)
        return answer

    async def sign_in(self, who: str) -> str:
        """Register and log in; returns the user's id."""
        credentials = {
            "email": f"{who}.{secrets.token_hex(4)}@example.org",
            "password": secrets.token_urlsafe(12),
        }
        self.emails[who] = credentials["email"]

        async def has_profile(_: Any) -> bool:
            login, _ = await self.call(who, "POST", "/api/auth/login", credentials)
            self.tokens[who] = login["accessToken"]
            return await self._get(who, "/api/profiles/me") is not None

        user = await self.step(
            f"{who} registers",
            who,
            "POST",
            "/api/auth/register",
            credentials,
            expect=201,
            effect="profiles creates the profile (includes the login)",
            seen=has_profile,
        )
        return str(user["id"])

    async def _get(self, who: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        response = await self.client.get(path, headers=headers)
        return response.json() if response.status_code == 200 else None

    async def activity(self, who: str, resume: str, action: str) -> bool:
        """Whether the employer sees this action on this resume."""
        page = await self._get(who, "/api/vacancies/activity?limit=100")
        return any(
            item["resumeId"] == resume and item["action"] == action
            for item in (page or {"items": []})["items"]
        )

    async def recommended(self, who: str, vacancy: str, resume: str) -> Any:
        """The recommendation of a resume for a vacancy; None if there is none."""
        path = f"/api/vacancies/vacancies/{vacancy}/recommendations"
        page, _ = await self.call(who, "GET", path)
        return next((one for one in page["items"] if one["resumeId"] == resume), None)

    async def role(self, who: str, role: str) -> bool:
        """Whether `auth` reports this role for the unchanged token."""
        me = await self._get(who, "/api/auth/me")
        return bool(me and me["role"] == role)


async def _until(
    what: str,
    effect: str,
    seen: Callable[[Any], Awaitable[bool]],
    answer: Any,
    started: float,
) -> float:
    """Milliseconds from `started` until the effect is seen. Raises `DemoFailed`."""
    while not await seen(answer):
        if time.perf_counter() - started > WITHIN_SECONDS:
            raise DemoFailed(f"{what}: not seen in {WITHIN_SECONDS:g} s: {effect}")
        await asyncio.sleep(POLL_SECONDS)
    return (time.perf_counter() - started) * 1000


async def play(demo: Demo) -> None:
    """Run the whole demo. Raises `DemoFailed` at the first failed step."""
    await demo.sign_in("candidate")
    await demo.sign_in("employer")
    demo.reads_mails = await confirm_address(demo, "employer")
    await _becomes_employer(demo)
    await _resume_changes(demo)
    await _vacancy(demo)


async def _becomes_employer(demo: Demo) -> None:
    await demo.step(
        "employer creates a company profile",
        "employer",
        "POST",
        "/api/vacancies/employer-profile",
        {"companyName": "Northern Light LLC", "phone": "+7 921 000-00-00"},
        expect=201,
        effect="auth reports the employer role for the same token",
        seen=lambda _: demo.role("employer", "employer"),
    )


async def _resume_changes(demo: Demo) -> None:
    """The employer sees every change of a resume."""
    resume = await _published(demo)

    def seen(action: str) -> Callable[[Any], Awaitable[bool]]:
        return lambda _: demo.activity("employer", resume, action)

    for what, method, path, body, expect, action in CHANGES:
        await demo.step(
            f"candidate {what}",
            "candidate",
            method,
            f"{RESUMES}/{resume}{path}",
            body,
            expect=expect,
            effect=f"employer sees `{action}`",
            seen=seen(action),
        )


async def _published(demo: Demo) -> str:
    """Publish a resume; returns its id once the employer has seen it appear."""
    made = await demo.step(
        "candidate publishes a resume",
        "candidate",
        "POST",
        RESUMES,
        {
            "title": "Python developer",
            "status": "published",
            "skills": [{"name": "Python"}],
            "area": "Saint Petersburg",
            "workFormats": ["remote"],
        },
        expect=201,
        effect="employer sees `created`",
        seen=lambda answer: demo.activity("employer", answer["id"], "created"),
    )
    return str(made["id"])


async def _vacancy(demo: Demo) -> None:
    base = "/api/vacancies/vacancies"
    vacancy = await demo.step(
        "employer drafts a vacancy",
        "employer",
        "POST",
        base,
        {
            "title": TITLE,
            "description": "<p>Services that lose no message.</p>",
            "workFormat": "remote",
            "area": "Saint Petersburg",
            "employmentType": "FULL_TIME",
            "requirements": [{"skill": "Python", "kind": "must", "level": 3}],
        },
        expect=201,
    )
    one = f"{base}/{vacancy['id']}"

    async def listed(_: Any) -> bool:
        response = await demo.client.get(base, params={"limit": 100})
        return any(item["id"] == vacancy["id"] for item in response.json()["items"])

    await demo.step(
        "employer publishes it",
        "employer",
        "POST",
        f"{one}/publish",
        effect="anyone can find it",
        seen=listed,
    )
    await _match(demo, vacancy["id"])
    await demo.step("employer closes it", "employer", "POST", f"{one}/close", {"reason": "filled"})


async def _match(demo: Demo, vacancy: str) -> None:
    """The candidate adds one skill, and the employer gets a match with its reasons."""
    skills = [{"name": "PostgreSQL", "level": 4}]
    made = await demo.step(
        "candidate publishes another resume",
        "candidate",
        "POST",
        RESUMES,
        {"title": "Backend developer", "status": "published", "skills": skills},
        expect=201,
    )

    async def matched(_: Any) -> bool:
        found = await demo.recommended("employer", vacancy, made["id"])
        return found is not None and any(one["about"] == "Python" for one in found["reasons"])

    async def withdrawn(_: Any) -> bool:
        return await demo.recommended("employer", vacancy, made["id"]) is None

    async with channels(demo, "employer", TITLE) as also:
        await demo.step(
            "candidate adds one skill",
            "candidate",
            "PATCH",
            f"{RESUMES}/{made['id']}",
            {"skills": [*skills, {"name": "питон", "level": 4}]},
            effect="employer gets a match, with reasons",
            seen=matched,
            also=also,
        )
    await demo.step(
        "candidate hides the resume",
        "candidate",
        "PATCH",
        f"{RESUMES}/{made['id']}",
        {"status": "hidden"},
        effect="the match is withdrawn",
        seen=withdrawn,
    )
    await demo.call("candidate", "DELETE", f"{RESUMES}/{made['id']}", expect=204)


async def run_demo(url: str, console: Console) -> int:
    """Run the demo against the platform at `url` and print the table; returns 0 if every step
    passed.
    """
    table = Table(title=f"Hirewire at {url}")
    table.add_column("step")
    table.add_column("call, ms", justify="right")
    table.add_column("effect")
    table.add_column("seen after, ms", justify="right")

    def add(step: Step) -> None:
        after = "" if step.effect_ms is None else f"{step.effect_ms:.1f}"
        call = "" if step.call_ms is None else f"{step.call_ms:.1f}"
        table.add_row(step.what, call, step.effect, after)

    try:
        await reach(url)
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            await play(Demo(client, on_step=add))
    except (DemoFailed, Unreachable, httpx.HTTPError) as error:
        console.print(table)
        console.print(f"[red]failed:[/] {type(error).__name__}: {error}")
        return 1
    console.print(table)
    console.print("[green]every step passed[/]")
    return 0
