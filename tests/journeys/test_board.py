"""`hirewire demo --fill` with the real services."""

import asyncio
import io
import re
from collections import Counter
from typing import Any

import httpx
import pytest
from rich.console import Console

from hirewire.kit.clock import now
from hirewire.tools.api_client import Account, Item
from hirewire.tools.sample_data.command import fill
from hirewire.tools.sample_data.filler import PASSWORD, Filler, Plan
from tests.builders import eventually
from tests.journeys.conftest import Platform

COUNT = 10


async def run(url: str, count: int = COUNT) -> tuple[int, str]:
    """Run the command; returns its exit code and output."""
    page = io.StringIO()
    code = await fill(url, count, 1, Console(file=page, width=160))
    return code, page.getvalue()


async def resumes_there(client: httpx.AsyncClient, plan: Plan) -> list[Item]:
    found: list[Item] = []
    for who, _ in plan.candidates():
        account = Account(client, who.email, PASSWORD)
        assert not await account.enter()
        found += await account.pages("/api/profiles/resumes")
    return found


async def refusals(client: httpx.AsyncClient) -> float:
    """How often the gateway has responded 503 for `vacancies`."""
    text = (await client.get("/metrics")).text
    pattern = r'^hirewire_web_answers_total\{service="vacancies",status="503"\} (\S+)$'
    return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))


async def vacancies_there(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/api/vacancies/vacancies", params={"limit": 100})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def tally(filler: Filler) -> tuple[Counter[str], Counter[str], Counter[str]]:
    return filler.tally.made, filler.tally.found, filler.tally.refused


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_the_sample_data_are_created_once(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    today = now().date()
    code, said = await run(url)
    assert (code, PASSWORD in said) == (0, True), said
    plan = Plan(COUNT, COUNT, 1, today)
    async with platform.client() as client:
        vacancies = await vacancies_there(client)
        assert len(vacancies) == COUNT
        resumes = await resumes_there(client, plan)
        assert len(resumes) == COUNT
        assert {one["completeness"]["percent"] for one in resumes} <= {91, 100}
        assert all(one["employmentTypes"] and one["totalExperienceMonths"] for one in resumes)
        who, _ = next(plan.candidates())
        account = Account(client, who.email, PASSWORD)
        await account.enter()
        assert (await account.call("GET", "/api/profiles/me"))["fullName"] == who.full_name
        await _stays_in(account)

        filler = Filler(platform.client, plan)
        await filler.run()
        made, found, refused = tally(filler)
        assert (made.total(), refused.total()) == (0, 0)
        assert (found["vacancies"], found["resumes"]) == (COUNT, COUNT)

        await _interrupted(client, plan)
        larger = Filler(platform.client, Plan(COUNT + 5, COUNT + 5, 1, today))
        await platform.stop("vacancies")
        before = await refusals(client)
        going_on = asyncio.create_task(larger.run())

        async def met_the_gap() -> bool:
            return await refusals(client) > before

        await eventually(met_the_gap)
        await platform.start("vacancies")
        await going_on
        made, found, refused = tally(larger)
        assert (made["vacancies"], made["resumes"], refused.total()) == (5, 6, 0)
        assert (found["vacancies"], found["resumes"]) == (COUNT, COUNT - 1)
        titles = [one["title"] for one in await vacancies_there(client)]
        assert (len(titles), titles.count("Renamed")) == (COUNT + 5, 1)
        assert len(await resumes_there(client, larger.plan)) == COUNT + 5


async def _stays_in(account: Account) -> None:
    """The session outlives its access token, and even its refresh token."""
    before = dict(account._tokens)
    account._until = 0.0
    await account.call("GET", "/api/profiles/me")
    refreshed = dict(account._tokens)
    assert refreshed["refreshToken"] != before["refreshToken"]
    account._tokens["accessToken"] = "no token"
    account._tokens["refreshToken"] = "no token"
    await account.call("GET", "/api/profiles/me")
    assert account._tokens["refreshToken"] not in {before["refreshToken"], "no token"}


async def _interrupted(client: httpx.AsyncClient, plan: Plan) -> None:
    """Undo the end of a run, as if it was interrupted; and change a vacancy, which stays so."""
    company, hires, _ = next(plan.employers())
    account = Account(client, hires.email, PASSWORD)
    await account.enter()
    [first, *_] = await account.pages("/api/vacancies/vacancies?mine=true")
    assert first["companyName"] == company.name
    await account.call("PATCH", f"/api/vacancies/vacancies/{first['id']}", {"title": "Renamed"})
    who, _ = next(plan.candidates())
    account = Account(client, who.email, PASSWORD)
    await account.enter()
    [resume, *_] = await account.pages("/api/profiles/resumes")
    await account.call("DELETE", f"/api/profiles/resumes/{resume['id']}")


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_errors_are_explained(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirewire.tools.api_client.START_SECONDS", 0.5)
    url = platform.settings.service_url("web")
    code, said = await run(url)
    assert (code, "hirewire run" in said, "nothing answers" in said) == (1, True, True)
    await platform.start("auth", "web")
    code, said = await run(url)
    assert (code, "runs without profiles" in said) == (1, True), said
    auth = platform.settings.service_url("auth")
    code, said = await run(auth)
    assert (code, "is not Hirewire" in said) == (1, True), said
