"""API keys in use: pages that make them, and the examples of `docs/integrating.md`, executed."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, post, sign_up
from tests.journeys.people import PASSWORD

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "integrating.md"
KEY = re.compile(r"hwk_[0-9A-Za-z]{36}")
ALL = (
    *("vacancies:read", "vacancies:write", "applications:read", "applications:write"),
    *("webhooks:read", "webhooks:write"),
)
LIST = "/employer/api-keys"
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


def examples(language: str) -> str:
    """All examples in this language, as one program."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S))


async def executed(url: str, key: str, *argv: str, program: str) -> str:
    """What the program prints."""
    environment = {"PATH": os.environ["PATH"], "HIREWIRE": url, "HIREWIRE_KEY": key}
    done = await asyncio.to_thread(
        subprocess.run,
        argv,
        input=program,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stdout}\n{done.stderr}"
    assert key not in done.stdout + done.stderr
    return done.stdout


async def make(client: httpx.AsyncClient, name: str, *scopes: str) -> str:
    """Make a key on the page; returns it."""
    pairs = [("name", name), ("days", "90"), ("password", PASSWORD)]
    answer = await post(client, LIST, [*pairs, *(("scopes", scope) for scope in scopes)])
    assert answer.status_code == 201, answer.text
    [key] = set(KEY.findall(answer.text))
    return str(key)


async def works(
    client: httpx.AsyncClient, key: str, path: str = "vacancies/vacancies/overview"
) -> int:
    """The status of a call with the key."""
    headers = {"Authorization": f"Bearer {key}"}
    return (await client.get(f"/api/{path}", headers=headers)).status_code


async def _applied(platform: Platform, vacancy: str) -> None:
    async with platform.client() as vera:
        await sign_up(vera, "vera@example.org")
        body = {"title": "Cook", "skills": [{"name": "SQL", "level": 4}], "status": "published"}
        resume = (await api(vera, "POST", "/profiles/resumes", body))["id"]

        async def applied() -> Any:
            try:
                path = f"/vacancies/vacancies/{vacancy}/applications"
                return await api(vera, "POST", path, {"resumeId": resume})
            except AssertionError:
                return None

        await eventually(applied)


async def test_keys_are_made_on_pages_and_used_as_documented(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    url = platform.settings.service_url("web")
    async with platform.client() as boss, httpx.AsyncClient(base_url=url, timeout=30) as program:
        await hires(boss)

        async def lists() -> bool:  # once `auth` knows the company
            return (await boss.get(LIST)).status_code == 200

        await eventually(lists)
        assert LIST in await page(boss, "/employer/company")
        for wrong in ([("name", ""), ("days", "90")], [("name", "x"), ("days", "x")]):
            answer = await post(boss, LIST, [*wrong, ("scopes", ALL[0]), ("password", PASSWORD)])
            assert answer.status_code == 422
            assert f'value="{ALL[0]}" checked' in answer.text
        key = await make(boss, "Careers <site>", *ALL)

        async def knows() -> bool:  # once `notifications` knows the company
            return await works(program, key, "notifications/webhooks") == 200

        await eventually(knows)
        shown = await page(boss, LIST)
        assert key not in shown
        assert "Careers &lt;site&gt;" in shown
        body = {
            "title": "Cook",
            "description": "<p>Soups.</p>",
            "requirements": [{"skill": "SQL", "kind": "must"}],
        }
        vacancy = (await api(boss, "POST", "/vacancies/vacancies", body))["id"]
        await api(boss, "POST", f"/vacancies/vacancies/{vacancy}/publish")
        await _applied(platform, vacancy)

        out = await executed(url, key, "bash", "-euo", "pipefail", program=examples("sh"))
        assert "Senior backend developer\npaused\nclosed\n" in out
        assert "1042\tfailed\t\t#/employmentType\n" in out
        out = await executed(url, key, sys.executable, "-", program=examples("python"))
        assert out.startswith("published [")
        assert out.rstrip().endswith("Cook consider")
        out = await executed(url, key, "node", "--input-type=module", program=examples("js"))
        assert out.rstrip().endswith("Cook phone_interview")
        [one] = (await api(boss, "GET", "/vacancies/applications?role=employer"))["items"]
        assert one["stage"] == "interview"
        assert {move["apiKey"] for move in one["history"]} == {None, "Careers <site>"}
        seen = await page(boss, f"/applications/{one['id']}")
        assert "with the API key “Careers &lt;site&gt;”" in seen

        await _is_closed_elsewhere(program, key)
        await _is_replaced_and_revoked(boss, program, key)
    log = platform.log.read_text()
    assert '"api_key": "' in log
    assert KEY.search(log) is None


async def _is_closed_elsewhere(program: httpx.AsyncClient, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    for path in ("/api/profiles/resumes", "/api/auth/me", "/api/auth/api-keys", "/live"):
        answer = await program.get(path, headers=headers)
        assert answer.status_code in (401, 403), path
        if path != "/live":
            assert answer.json()["code"] == "not_for_api_keys"
            assert answer.headers["ratelimit-policy"] == '"requests";q=600;w=60'
    answer = await program.get(f"/api/vacancies/applications?key={key}")
    assert (answer.status_code, answer.json()["code"]) == (400, "secret_in_address")


async def _is_replaced_and_revoked(
    boss: httpx.AsyncClient, program: httpx.AsyncClient, key: str
) -> None:
    [id] = set(re.findall(rf"{LIST}/([0-9a-f-]{{36}})", await page(boss, LIST)))
    assert "/rotate" in await page(boss, f"{LIST}/{id}")
    pairs = [("days", "30"), ("overlapHours", "24")]
    wrong = await post(boss, f"{LIST}/{id}/rotate", [*pairs, ("password", "no")])
    assert wrong.status_code == 422
    made = await post(boss, f"{LIST}/{id}/rotate", [*pairs, ("password", PASSWORD)])
    [second] = set(KEY.findall(made.text))
    assert second != key
    assert "The old key works until" in made.text
    for each in (key, second):
        assert await works(program, each) == 200
    revoked = await boss.post(f"{LIST}/{id}/revoke")
    assert revoked.headers["location"].endswith("done=api_key_revoked")

    async def refused() -> bool:
        return {await works(program, each) for each in (key, second)} == {401}

    await eventually(refused)
    assert id not in await page(boss, LIST)
