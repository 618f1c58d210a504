"""Schemathesis with each running service: responses must match its OpenAPI document.

All checks in all phases, for three kinds of caller. `OPENAPI_SHARE=1` tries every case.
"""

import asyncio
import base64
import gc
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import schemathesis
from schemathesis import Case, Config, HookContext, engine, openapi
from schemathesis.engine import events
from schemathesis.specs.openapi import converter

from hirewire.assembly import service
from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.contracts.auth import UserRegistered
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated, SnapshotSkill
from hirewire.contracts.vacancies import ApplicationSubmitted, EmployerProfileCreated
from hirewire.kit.clock import now
from hirewire.launcher.process import free_port
from hirewire.messaging.testing import consume
from tests.profiles.cv.layouts import docx, line
from tests.services import Running, running
from tests.vacancies.conftest import VACANCY
from tests.web.conftest import serving

SHARE = int(os.environ.get("OPENAPI_SHARE", "12"))
"""Every twelfth case of the coverage phase is tried, and each caller gets a third of the operations
in each phase: everything would take minutes.
"""
EXAMPLES = 2 if SHARE > 1 else 10
"""The number of examples for each operation, in phases that generate cases."""
CALLERS = ("nobody", "candidate", "employer")
LEAST = {"auth": 5, "profiles": 40, "vacancies": 90}
"""The least number of cases, so that a run that tries next to nothing is noticed."""


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    """Schemathesis keeps half a gigabyte of objects, which later collections need not scan."""
    yield
    gc.collect()
    gc.freeze()


@dataclass
class Found:
    """The results of a run."""

    cases: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class People:
    """A candidate with a resume, and an employer to whom they have applied."""

    candidate: UUID
    employer: UUID
    resume: UUID = field(default_factory=uuid4)


ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "410", "429", "5xx"]
"""Statuses for valid data; 410 for the token of a link, whose validity no schema can say."""
PERIODS = (("start", "end"), ("startYear", "endYear"))
CV = docx(line("Anna Lee, a cook who has cooked for ten years"))
LOGO = base64.b64decode("R0lGODlhAQABAPAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")
"""A one-pixel image: a schema can only say "binary"."""
PUBLISHED = {
    f"{method} /api/vacancies/vacancies/{{id}}/{act}"
    for method, act in (("PUT", "saved"), ("POST", "applications"), ("POST", "reports"))
}
"""Operations that know nothing of a vacancy just created: it is a draft."""
_number = count()
# Written into patterns, lengths of up to 50,000 take as long to compile as all the rest takes.
converter.update_pattern_in_schema = lambda schema: None


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Only a share of the coverage phase, which has thousands of cases."""
    phase = case.meta.phase.name.value if case.meta is not None else ""
    return phase != "coverage" or next(_number) % SHARE == 0


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make a valid request satisfy what no schema can express.

    For example an end after its start, a cursor of this list, or an unused key. Invalid requests
    stay unchanged.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query:
        case.query.pop("after", None)
        if case.query.keys() & {"salaryFrom", "salaryTo", "sort"}:
            case.query["currency"] = "RUB"
        if case.query.get("role") != "employer":
            case.query.pop("stage", None)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())
    if case.path.endswith("/resumes/read"):  # also instead of an empty text
        case.body = CV
    elif isinstance(case.body, bytes):
        case.body = LOGO
    elif isinstance(case.body, dict) and case.path.endswith("/resumes/import"):
        case.body = as_resume(case.body)
    elif isinstance(case.body, dict):
        if "/{item_id}" in case.path:
            for first, last in PERIODS:
                if first in case.body or last in case.body:  # the stored key may not fit it
                    case.body = {first: None, last: None} | case.body
        make_fit(case.body)


def as_resume(document: dict[str, Any]) -> Any:
    """A document of any shape as a resume that the database can store."""
    kept = json.loads(json.dumps(document).replace("\\u0000", "_"))
    return kept | {"basics": {"name": "Anna"}}


def make_fit(body: dict[str, Any]) -> None:
    """The same for a body and its parts."""
    if body.get("start") and body.get("end"):
        body["start"], body["end"] = sorted(day[:4] for day in (body["start"], body["end"]))
    for first, last in (("startYear", "endYear"), ("min", "max")):
        if body.get(first) is not None and body.get(last) is not None:
            body[first], body[last] = sorted((body[first], body[last]))
    if (pay := body.get("salary")) and "amount" not in pay and pay.get("max") is None:
        pay["min"] = pay.get("min") or 0
    if body.get("validThrough"):
        body["validThrough"] = "2096" + body["validThrough"][4:]  # a leap year
    if body.get("timeZone"):
        body["timeZone"] = "Europe/Moscow"
    if body.get("slots"):
        soon = now() + timedelta(days=10)
        times = [soon + timedelta(days=day) for day in range(len(body["slots"]))]
        body["slots"] = [{"local": f"{one:%Y-%m-%dT%H:%M}"} for one in times]
    if body.get("stage") != "discard_by_employer":
        body.pop("reason", None)
    if body.get("salaryFrom") is not None or body.get("sort") == "pay":
        body["currency"] = "RUB"
    for name, part in (("requirements", "skill"), ("languages", "language")):
        if isinstance(body.get(name), list):
            body[name] = list({one[part].casefold(): one for one in body[name]}.values())
    for inner in body.values():
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                make_fit(one)


@pytest.mark.long
@pytest.mark.timeout(300 if SHARE > 1 else 3600)
@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("name", LEAST)
async def test_responses_match_the_document(name: str, who: str, fresh_address: str) -> None:
    async with (
        running(service(name), fresh_address) as made,
        serving(made.app, port := free_port()),
    ):
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url) as client:
            people = await SEEDS[name](made, client)
        headers = {} if who == "nobody" else made.as_user(getattr(people, who))
        found = await asyncio.to_thread(tried, url, made.app.openapi(), who, headers)
    print(f"{name} by {who}: {found.cases} cases, {len(found.failures)} failures")  # noqa: T201
    assert "\n\n".join(failure[:1500] for failure in found.failures) == ""
    assert found.cases >= LEAST[name]


def tried(url: str, document: dict[str, Any], who: str, headers: dict[str, str]) -> Found:
    """A run of the engine, which blocks."""
    operations = [f"{m.upper()} {path}" for path, all in document["paths"].items() for m in all]
    config = Config.from_dict(
        {
            "seed": 1,
            "base-url": url,
            "headers": headers,
            "continue-on-failure": True,
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
            "phases": {"coverage": {"unexpected-methods": ["delete", "options"]}},
            "operations": [turn(who, nth, name) for nth, name in enumerate(operations)],
            "generation": {
                "max-examples": EXAMPLES,
                "deterministic": True,
                "no-shrink": True,
                "database": "none",
            },
        }
    )
    found = Found()
    for event in engine.from_schema(openapi.from_dict(document, config=config)).execute():
        if isinstance(event, events.ScenarioFinished):
            note(found, event)
        elif isinstance(event, events.NonFatalError):
            found.failures.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found


def turn(who: str, nth: int, operation: str) -> dict[str, Any]:
    """The phases that try an operation as this caller: each phase has another one of the three."""
    phases = {
        phase: {"enabled": SHARE == 1 or CALLERS[(nth + add) % len(CALLERS)] == who}
        for add, phase in enumerate(("coverage", "fuzzing"))
    }
    checks = {"ensure_resource_availability": {"enabled": operation not in PUBLISHED}}
    return {"include-name": operation, "phases": phases, "checks": checks}


def note(found: Found, event: events.ScenarioFinished) -> None:
    """Count a case, and describe a failure so that it can be repeated."""
    recorder = event.recorder
    found.cases += len(recorder.cases)
    for id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                sent, answer = recorder.interactions[id].request, recorder.interactions[id].response
                said = answer.content[:1000] if answer and answer.content else b""
                found.failures.append(
                    f"{event.phase.value}: {check.name}: {check.failure_info.failure.message}\n"
                    f"  {sent.method} {sent.uri[:1000]} {(sent.body or b'')[:1000]!r}\n"
                    f"  -> {answer and answer.status_code} {said!r}"
                )


async def seed_auth(made: Running, client: httpx.AsyncClient) -> People:
    async with made.messaging.transactions() as tx:
        await ensure_signing_key(tx)
    ids = []
    for name in ("candidate", "employer"):
        account = {"email": f"{name}@example.org", "password": "correct horse battery"}
        answer = await client.post("/api/auth/register", json=account)
        ids.append(UUID(answer.json()["id"]))
    hired = EmployerProfileCreated(user_id=ids[1], company_id=uuid4(), phone=None)
    await consume(made.messaging.consumer, hired)
    return People(*ids)


async def seed_profiles(made: Running, client: httpx.AsyncClient) -> People:
    people, company = People(uuid4(), uuid4()), uuid4()
    for id in (people.candidate, people.employer):
        email = f"{id}@example.org"
        await consume(made.messaging.consumer, UserRegistered(id=id, email=email))
    resume = {"title": "Python developer", "skills": [{"name": "Python"}], "visibility": "link"}
    answer = await client.post(
        "/api/profiles/resumes", json=resume, headers=made.as_user(people.candidate)
    )
    people.resume = UUID(answer.json()["id"])
    await consume(
        made.messaging.consumer,
        EmployerProfileCreated(user_id=people.employer, company_id=company, phone=None),
        ApplicationSubmitted(
            application_id=uuid4(),
            vacancy_id=uuid4(),
            company_id=company,
            resume_id=people.resume,
            user_id=people.candidate,
            origin="response",
        ),
    )
    return people


async def seed_vacancies(made: Running, client: httpx.AsyncClient) -> People:
    people = People(uuid4(), uuid4())
    snapshot = ResumeSnapshot(
        title="Python developer", status="published", skills=[SnapshotSkill(name="Python")]
    )
    resume = ResumeUpdated(
        user_id=people.candidate,
        resume_id=people.resume,
        action="created",
        version=1,
        resume=snapshot,
    )
    await consume(made.messaging.consumer, resume)
    client.headers = httpx.Headers(made.as_user(people.employer))
    await client.post("/api/vacancies/employer-profile", json={"companyName": "Acme"})
    applications = []
    for _ in range(3):
        draft = (await client.post("/api/vacancies/vacancies", json=VACANCY)).json()
        await client.post(f"/api/vacancies/vacancies/{draft['id']}/publish")
        applications.append(
            await client.post(
                f"/api/vacancies/vacancies/{draft['id']}/applications",
                json={"resumeId": str(people.resume), "letter": "Hello"},
                headers=made.as_user(people.candidate),
            )
        )
    assert [answer.status_code for answer in applications] == [201] * 3
    return people


SEEDS = {"auth": seed_auth, "profiles": seed_profiles, "vacancies": seed_vacancies}
