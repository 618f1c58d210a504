"""A person exports everything: asked for, waited for, announced by mail, downloaded and read."""

import json
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import pytest
from playwright.async_api import expect
from pypdf import PdfReader

from hirewire.auth.mails.letters import texts
from hirewire.kit.notices import notice
from hirewire.web.pages.zips import CONTENTS
from tests.builders import eventually
from tests.journeys.browsing import IN_EACH_LANGUAGE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import follow, mails
from tests.journeys.paging import api, hires, sign_up
from tests.journeys.people import PASSWORD

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
ANNA, BOSS = "anna@example.org", "boss@example.org"
READY = "Your copy is ready. You can download it until %s."
LETTER, REPLY, NOTE = "I cook soups of beetroot.", "Come on Monday.", "Looks tired, ask twice."
NAMES = [
    *("README.txt", "account.json", "notices.json", "profile.json"),
    *("resumes/1.json", "resumes/1.pdf", "jobs.json", "letters.txt", "messages.txt"),
]
NAMES_OF_BOSS = [one for one in NAMES if not one.startswith("resumes/")]


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


async def test_everything_is_exported(platform: Platform, chromium: str) -> None:
    """A candidate's copy on a desktop in English, an employer's on a phone in Russian."""
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    url = platform.settings.service_url("web")
    async with (
        browsing(chromium) as browser,
        platform.client() as anna,
        platform.client() as boss,
    ):
        await sign_up(anna, "anna@example.org")
        await hires(boss)
        await _apply(anna, boss)
        people = {}
        for email, (language, size) in zip((ANNA, BOSS), IN_EACH_LANGUAGE, strict=True):
            people[email] = await Somebody.arrive(browser, url, language, viewport=size)
            await people[email].sign_in(email)
        platform.kill("vacancies")
        for who in people.values():
            await who.press("Prepare a copy")
            still = re.escape(who.said("Still to come:"))
            jobs = re.compile(rf"{still}\s+{who.words.label('vacancies')}$", re.MULTILINE)
            await expect(who.page.locator("#data")).to_contain_text(jobs)
            assert await who.faults() == []
        platform.kill("profiles")  # its part is stored already
        await platform.start("vacancies", "profiles")
        made, tokens = {}, []
        for email, who in people.items():
            made[email] = Export.of(await _downloaded(who, anna, email))
            tokens.append(who.page.url.partition("token=")[2])
            readme = made[email].text("README.txt")
            assert who.foreign(readme, "JSON Resume", "UTF-8") == []
            for name in made[email].zip.namelist()[1:]:
                assert name in readme
            assert [one for one in who.complaints if "503" not in one] == []
        _check(made[ANNA])
        _check(await _once_more(anna, tokens[0]))
        assert made[BOSS].zip.namelist() == NAMES_OF_BOSS
        assert "компания и её вакансии" in made[BOSS].text("README.txt")
        assert made[BOSS].json("account.json")["account"]["email"] == BOSS
        assert NOTE in made[BOSS].text("jobs.json")

        shown = await boss.get("/account/export", params={"token": tokens[0]})
        assert shown.status_code == 410
        assert "belongs to another account" in shown.text
        assert (await boss.post(f"/account/export/download?token={tokens[0]}")).status_code == 410
        async with platform.client() as eve:
            await _asked_to_agree(eve)
        log = platform.log.read_text(encoding="utf-8")
        assert "/account/export" in log
        for secret in (*tokens, LETTER, REPLY, "grant="):
            assert secret not in log


async def _downloaded(who: Somebody, client: httpx.AsyncClient, email: str) -> bytes:
    """The ZIP, by the mail."""
    page = who.page
    ready = re.compile(re.escape(who.said(READY)).replace("%s", ".+ UTC"))
    await expect(page.locator("#data")).to_contain_text(ready)
    assert await who.foreign_words() == []
    [mail] = await mails(client, who.mailed("data_export"))
    assert (mail["to"], who.foreign(mail["text"])) == (email, [])
    await follow(page, mail, texts()["data_export"][who.words.lang]["button"])
    await expect(page.get_by_role("heading", name=who.said("Your data"))).to_be_visible()
    await who.reads("The ZIP file contains:")
    listed = page.locator("main ul.lines li")
    await expect(listed).to_have_text([who.said(text) for _, text in CONTENTS])
    assert await who.faults("JSON Resume") == []
    async with page.expect_download() as begun:
        await who.press("Download")
    file = await (await begun.value).path()
    return file.read_bytes()


async def _once_more(anna: httpx.AsyncClient, token: str) -> Export:
    """From the account, by a link of its own, and without scripts."""
    assert 'action="/account/export/link"' in (await anna.get("/account")).text
    asked = await anna.post("/account/export/link")
    place = asked.headers["location"]
    assert place.startswith("/account/export?token=")
    assert token not in place
    shown = await anna.get(place)
    assert (shown.status_code, shown.headers["referrer-policy"]) == (200, "no-referrer")
    zipped = await anna.post(place.replace("/export?", "/export/download?"))
    assert zipped.headers["content-type"] == "application/zip"
    assert zipped.headers["content-disposition"].startswith('attachment; filename="hirewire-20')
    return Export.of(zipped.content)


def _check(made: Export) -> None:
    assert made.zip.namelist() == NAMES
    readme = made.text("README.txt")
    assert "resumes/1.pdf\n    each resume as a PDF" in readme
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
    kinds = [one["kind"] for one in made.json("notices.json")["notices"]]
    assert {"message", "application_moved"} <= set(kinds)
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
