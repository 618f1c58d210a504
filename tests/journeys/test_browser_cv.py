"""A CV in a browser: uploaded, corrected, saved and published, with and without scripts."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.browsing import Somebody, browsing
from tests.journeys.conftest import Platform
from tests.profiles.cv.layouts import hh, table_sidebar
from tests.profiles.cv.people import ANNA, IRINA
from tests.profiles.cv.test_files import blank

ALL = ("auth", "profiles", "vacancies", "web")
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("language", "name", "file", "wrong", "has_scripts"),
    [
        ("en", "cv.docx", table_sidebar(ANNA, "short"), "scan", True),
        ("ru", "резюме.pdf", hh(IRINA, "name"), "скан", False),
    ],
)
async def test_a_cv_is_read_corrected_and_published(
    platform: Platform,
    chromium: str,
    tmp_path: Path,
    language: str,
    name: str,
    file: bytes,
    wrong: str,
    has_scripts: bool,
) -> None:
    person = {"en": ANNA, "ru": IRINA}[language]
    chosen, scan = tmp_path / name, tmp_path / "scan.pdf"
    chosen.write_bytes(file)
    scan.write_bytes(blank())
    await platform.start(*ALL)
    async with browsing(chromium) as browser:
        address = platform.settings.service_url("web")
        who = await Somebody.arrive(browser, address, language, java_script_enabled=has_scripts)
        page = who.page
        await who.sign_up()
        await page.goto("/me")
        await page.locator("details summary", has_text="PDF").click()
        upload = page.locator("form[action='/resumes/import']")
        await upload.locator("input[type=file]").set_input_files(scan)
        await upload.locator("button").click()
        await expect(page.locator(".wrong")).to_contain_text(wrong)

        await upload.locator("input[type=file]").set_input_files(chosen)
        await upload.locator("button").click()
        await expect(page.locator("#name")).to_have_value(person.name)
        await expect(page.locator("#email-said")).to_contain_text(person.email)
        await expect(page.locator("#work-1-company")).to_have_value(person.jobs[1].company)
        await page.fill("#work-1-company", "Corrected & Sons")
        await page.locator("form[action='/resumes/read'] button").click()

        await page.wait_for_url("**/resumes/*-*")
        await expect(page.locator("h1")).to_have_text(person.title)
        jobs = page.locator("#experience-list")
        await expect(jobs).to_contain_text("Corrected & Sons")
        await expect(jobs).to_contain_text(person.jobs[0].company)
        await page.locator("#resume-bar button[value=publish]").click()
        await expect(page.locator("#resume-bar .pill.published")).to_be_visible()
        await page.goto("/me")
        await expect(page.locator("#profile")).to_contain_text(person.name)
        await expect(page.locator("#contact")).to_have_value(person.email)
