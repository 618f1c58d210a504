"""A person exports everything: asked for, waited for, announced by mail, downloaded and read."""

import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect
from pypdf import PdfReader

from hirewire.kit.notices import notice
from tests.builders import eventually
from tests.journeys.browsing import Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, sign_up
from tests.journeys.people import PASSWORD
from tests.journeys.test_passwords import follow, mails

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
LETTER, REPLY, NOTE = "I cook soups of beetroot.", "Come on Monday.", "Looks tired, ask twice."
NAMES = [
    *("README.txt", "account.json", "profile.json", "resumes/1.json", "resumes/1.pdf"),
    *("jobs.json", "letters.txt", "messages.txt"),
]


@dataclass(frozen=True)
class Export:
    """A downloaded ZIP."""

    zip: zipfile.ZipFile

    @classmethod
    def of(cls, content: bytes) -> "Export":
        made = zipfile.ZipFile(BytesIO(content))
        assert made.testzip() is None
        return cls(made)

    def text(self, path: str) -> str:
        return self.zip.read(path).decode()

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))


async def _apply(anna: httpx.AsyncClient, boss: httpx.AsyncClient) -> None:
    """An application with a letter, a message, and a note of the employer."""
    asked = [{"skill": "Cooking", "kind": "must"}]
    body = {"title": "Cook", "description": "<p>Soups.</p>", "requirements": asked}
    vacancy = (await api(boss, "POST", "/vacancies/vacancies", body))["id"]
    await api(boss, "POST", f"/vacancies/vacancies/{vacancy}/publish")
    skills = [{"name": "Cooking", "level": 4}]
    resume = {"title": "Soup cook", "skills": skills, "status": "published", "summary": "Soups."}
    id = (await api(anna, "POST", "/profiles/resumes", resume))["id"]
    path = f"/vacancies/vacancies/{vacancy}/applications"

    async def applied() -> Any:
        try:
            return await api(anna, "POST", path, {"resumeId": id, "letter": LETTER})
        except AssertionError:
            return None

    made = f"/vacancies/applications/{(await eventually(applied))['id']}"  # type: ignore[index]
    await api(boss, "POST", f"{made}/messages", {"text": REPLY})
    await api(boss, "POST", f"{made}/stage", {"stage": "consider", "comment": NOTE})


async def test_everything_is_exported(platform: Platform, chromium: str, tmp_path: Path) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    async with (
        browsing(chromium) as browser,
        platform.client() as anna,
        platform.client() as boss,
    ):
        await sign_up(anna, "anna@example.org")
        await hires(boss)
        await _apply(anna, boss)
        who = await Somebody.arrive(browser, url, "en")
        page = who.page
        await page.goto("/signin?next=/account")
        await page.fill("#email", "anna@example.org")
        await page.fill("#password", PASSWORD)
        await page.locator("main form button:not([type])").click()
        platform.kill("vacancies")
        await page.get_by_role("button", name="Prepare a copy").click()
        data = page.locator("#data")
        await expect(data).to_contain_text(re.compile(r"Still to come:\s+Jobs$", re.MULTILINE))
        assert await who.serious_in_both() == []
        platform.kill("profiles")  # its part is stored already
        await platform.start("vacancies", "profiles")
        await expect(data).to_contain_text("Your copy is ready.")

        [mail] = await mails(anna, "Your data is ready to download")
        assert mail["to"] == "anna@example.org"
        await follow(page, mail, "Download my data")
        await expect(page.get_by_role("heading", name="Your data")).to_be_visible()
        assert await who.serious_in_both() == []
        token = page.url.partition("token=")[2]
        async with page.expect_download() as begun:
            await page.get_by_role("button", name="Download").click()
        file = tmp_path / "export.zip"
        await (await begun.value).save_as(file)
        _check(Export.of(file.read_bytes()))
        assert [one for one in who.complaints if "503" not in one] == []

        anna.headers["Accept-Language"] = "ru"
        await _in_russian(anna, token)
        shown = await boss.get("/account/export", params={"token": token})
        assert shown.status_code == 410
        assert "belongs to another account" in shown.text
        assert (await boss.post(f"/account/export/download?token={token}")).status_code == 410
        async with platform.client() as eve:
            await _asked_to_agree(eve)
        log = platform.log.read_text(encoding="utf-8")
        assert "/account/export" in log
        for secret in (token, LETTER, REPLY, "grant="):
            assert secret not in log


def _check(made: Export) -> None:
    assert made.zip.namelist() == NAMES
    readme = made.text("README.txt")
    assert "resumes/1.pdf\n    each resume as a PDF" in readme
    for name in NAMES[1:]:
        assert name in readme
    account = made.json("account.json")
    assert account["account"]["email"] == "anna@example.org"
    assert len(account["sessions"]) == 2
    profile = made.json("profile.json")
    assert profile["profile"]["accountEmail"] == "anna@example.org"
    assert [one["title"] for one in profile["resumes"]] == ["Soup cook"]
    assert len(profile["copies"]) == 1
    assert made.json("resumes/1.json")["basics"]["label"] == "Soup cook"
    pdf = PdfReader(BytesIO(made.zip.read("resumes/1.pdf")))
    assert "Soup cook" in pdf.pages[0].extract_text()
    jobs = made.json("jobs.json")
    [application] = jobs["applications"]
    assert application["letter"] == LETTER
    assert [one["text"] for one in application["messages"]] == [REPLY]
    assert application["stage"] is None
    assert jobs["activity"]
    assert LETTER in made.text("letters.txt")
    assert f"Acme\n\n{REPLY}" in made.text("messages.txt")
    whole = "".join(made.text(name) for name in NAMES if not name.endswith(".pdf"))
    assert NOTE not in whole, "a note that the candidate never sees"


async def _in_russian(anna: httpx.AsyncClient, token: str) -> None:
    page = await anna.get("/account")
    assert "Копия готова. Её можно скачать до" in page.text
    asked = await anna.post("/account/export/link")
    place = asked.headers["location"]
    shown = await anna.get(place)
    assert "Что внутри ZIP-файла:" in shown.text
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert token not in place
    zipped = await anna.post(place.replace("/export?", "/export/download?"))
    assert zipped.headers["content-type"] == "application/zip"
    assert zipped.headers["content-disposition"].startswith('attachment; filename="hirewire-20')
    made = Export.of(zipped.content)
    assert "каждое резюме в PDF" in made.text("README.txt")
    assert made.zip.namelist() == NAMES


async def _asked_to_agree(eve: httpx.AsyncClient) -> None:
    """Who registered without a consent is asked at the next visit, and may go on without."""
    typed = {"email": "eve@example.org", "password": PASSWORD}
    refused = await eve.post("/signup", data=typed)
    assert refused.status_code == 422
    assert "Agree to the processing of your data" in refused.text
    assert 'value="eve@example.org"' in refused.text
    assert (await eve.post("/api/auth/register", json=typed)).status_code == 201
    await eve.post("/signin", data=typed)
    asked = "Please read our privacy notice and agree to it."
    for path in ("/me", "/employer", "/account"):
        assert asked in (await eve.get(path)).text
    privacy = await eve.get("/privacy", headers={"Accept-Language": "ru"})
    assert "Вы можете пожаловаться" in privacy.text
    assert f"версия {notice(None).version}" in privacy.text
    old = await eve.post("/account/consent", data={"consent": "2001-01-01", "next": "/me"})
    assert old.headers["location"] == "/me?done=changed"
    version = notice(None).version
    given = await eve.post("/account/consent", data={"consent": version, "next": "/account"})
    assert given.headers["location"] == "/account?done=saved"
    page = (await eve.get("/account")).text
    assert asked not in page
    assert f"version {version}" in page
