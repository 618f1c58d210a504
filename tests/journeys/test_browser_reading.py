"""CVs and job ads in a browser, with and without scripts: read, corrected, saved and published."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.journeys.browsing import PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.people import PASSWORD
from tests.profiles.cv.layouts import hh, table_sidebar
from tests.profiles.cv.people import ANNA, IRINA, Person
from tests.profiles.cv.test_files import blank
from tests.vacancies.adverts.advert import Advert
from tests.vacancies.adverts.seen import ACCOUNTANT, NURSE

ALL = ("auth", "profiles", "vacancies", "web")
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


@pytest.mark.long
async def test_cvs_are_read_corrected_and_published(
    platform: Platform, chromium: str, tmp_path: Path
) -> None:
    files = {
        "cv.docx": table_sidebar(ANNA, "short"),
        "резюме.pdf": hh(IRINA, "name"),
        "скан.pdf": blank(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    await platform.start(*ALL)
    address = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        anna = await Somebody.arrive(browser, address, "en")
        await anna.sign_up()
        await upload(anna, tmp_path / "cv.docx")
        await is_read(anna, ANNA)
        said = anna.page.locator("#work-1-end-said")
        await expect(said).to_have_text("Read from: “Jun 2015 – Feb 2019”")
        assert await anna.serious_in_both() == []
        await anna.page.fill("#work-1-end", "long ago")
        await anna.page.locator("[name='education-removed']").check()
        await save(anna)
        await expect(said).to_have_text("Must be YYYY, YYYY-MM or YYYY-MM-DD")
        await expect(anna.page.locator("#work-1-end")).to_be_focused()
        await expect(anna.page.locator("#work-1-start-said")).to_contain_text("Jun 2015 – Feb")
        await expect(anna.page.locator("#education-0-organization")).to_have_count(0)
        await anna.page.fill("#work-1-end", "February 2019")
        await save_and_publish(anna, ANNA)

        irina = await Somebody.arrive(
            browser, address, "ru", java_script_enabled=False, viewport=PHONE
        )
        await irina.sign_up()
        await upload(irina, tmp_path / "скан.pdf")
        await expect(irina.page.locator(".wrong")).to_contain_text("скан")
        await upload(irina, tmp_path / "резюме.pdf")
        await is_read(irina, IRINA)
        await save_and_publish(irina, IRINA)


@pytest.mark.long
async def test_pasted_job_ads_are_read_corrected_and_published(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    address = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        anna = await Somebody.arrive(browser, address, "en")
        await paste(anna, NURSE.text)
        await expect(anna.page.locator("#title")).to_have_value(NURSE.title)
        await expect(anna.page.locator("[name='skill']").nth(0)).to_have_value(NURSE.must[0])
        said = anna.page.locator("#experience-said")
        await expect(said).to_contain_text("At least 1 year of experience in elderly care")
        assert await anna.serious_in_both() == []
        await anna.page.fill("[name='salary_max']", "7")
        await create(anna)
        await expect(anna.page.locator("#salary-said")).to_be_visible()
        await expect(said).to_contain_text("At least 1 year")
        await anna.page.fill("[name='salary_max']", "23")
        await create_and_publish(anna, NURSE, "23")

        irina = await Somebody.arrive(
            browser, address, "ru", java_script_enabled=False, viewport=PHONE
        )
        await paste(irina, ACCOUNTANT.text)
        await expect(irina.page.locator("#area")).to_have_value("Калининград")
        await create_and_publish(irina, ACCOUNTANT, "140")


async def paste(who: Somebody, text: str) -> None:
    page = who.page
    await page.goto("/signup")
    await page.fill("#email", f"{uuid4().hex}@example.org")
    await page.fill("#password", PASSWORD)
    await page.locator("[name=consent]").check()
    await page.locator("main form button:not([type])").click()
    await page.wait_for_url("**/me*")
    await page.goto("/employer")
    await page.fill("#companyName", "Acme")
    await page.locator("form[action='/employer'] button").click()
    await page.locator("details.paste summary").click()
    await page.fill("#text", text)
    await page.locator("form[action='/employer/vacancies/read'] button").click()


async def create(who: Somebody) -> None:
    await who.page.locator("form[action='/employer/vacancies/checked'] button:not([type])").click()


async def create_and_publish(who: Somebody, advert: Advert, pay: str) -> None:
    page = who.page
    await create(who)
    await page.wait_for_url("**/employer/vacancies/*-*")
    await page.locator("button[value=publish]").click()
    await expect(page.locator(".pill.published").first).to_be_visible()
    await page.goto(page.url.partition("?")[0].replace("/employer", ""))
    main = page.locator("main")
    await expect(main).to_contain_text(advert.title)
    await expect(main).to_contain_text(pay)
    for skill in (*advert.must[:2], *advert.nice[:1]):
        await expect(main).to_contain_text(skill)


async def upload(who: Somebody, file: Path) -> None:
    if not who.page.url.endswith("/resumes/import"):
        await who.page.goto("/me")
        await who.page.locator("details summary", has_text="PDF").click()
    form = who.page.locator("form[action='/resumes/import']")
    await form.locator("input[type=file]").set_input_files(file)
    await form.locator("button").click()


async def is_read(who: Somebody, person: Person) -> None:
    fields = {
        "label": person.title,
        "name": person.name,
        "email": person.email,
        "work-1-company": person.jobs[1].company,
        "language-0-fluency": "native",
    }
    for name, value in fields.items():
        await expect(who.page.locator(f"#{name}")).to_have_value(value)


async def save(who: Somebody) -> None:
    await who.page.locator("form[action='/resumes/read'] button").click()


async def save_and_publish(who: Somebody, person: Person) -> None:
    page = who.page
    await page.fill("#work-1-company", "Corrected & Sons")
    await save(who)
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
