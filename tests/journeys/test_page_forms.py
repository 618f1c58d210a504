"""Form input as people write it, without a browser."""

import re

import httpx
import pytest

from hirewire.messaging.database import connect
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, post, sign_up

pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


async def published(client: httpx.AsyncClient, title: str, **fields: str) -> str:
    """Publish a vacancy; returns its id."""
    made = await client.post("/employer/vacancies", data={"title": title})
    path = made.headers["location"]
    skills = [("skill", fields.pop("skill", "питон")), ("kind", "must"), ("level", "")]
    given = {"title": title, "description": "Work", "unit": "MONTH", "action": "publish"} | fields
    answer = await post(client, path, [*given.items(), *skills])
    assert answer.status_code == 303, answer.text
    return path.rsplit("/", 1)[1]


async def test_amounts_dates_and_skills_are_read_as_people_write_them(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        pounds = await published(boss, "Clerk", salary_min="£2,800", currency="EUR")
        pay = (await api(boss, "GET", f"/vacancies/vacancies/{pounds}"))["salary"]
        assert (pay["min"], pay["currency"]) == (2800, "GBP")
        clerk = {"title": "Clerk", "description": "Work"}
        for typed, amount in (("2,800", 2800), ("2.800", 2800), ("2\u00a0800,50 ₽", 2801)):
            answer = await boss.post(
                f"/employer/vacancies/{pounds}",
                data=clerk | {"salary_max": typed, "currency": "RUB"},
            )
            assert answer.status_code == 303, (typed, answer.text)
            pay = (await api(boss, "GET", f"/vacancies/vacancies/{pounds}"))["salary"]
            assert (pay["max"], pay["currency"]) == (amount, "RUB")
        answer = await boss.post(
            f"/employer/vacancies/{pounds}", data=clerk | {"salary_max": "much"}
        )
        assert answer.status_code == 422
        assert 'value="much"' in answer.text

        await sign_up(anna, "anna@example.org")
        path = (await anna.post("/resumes", data={"title": "Clerk"})).headers["location"]
        body = {"title": "Clerk", "salaryAmount": "120 000 руб.", "salaryCurrency": "EUR"}
        project = {"projectName": "Move", "projectStart": "март 2019", "projectEnd": "05/2020"}
        rest = dict.fromkeys(("projectUrl", "projectDescription", "projectHighlights"), "")
        answer = await anna.post(path, data=body | project | rest)
        assert answer.status_code == 303, answer.text
        job = {"position": "Clerk", "start": "03/2019", "end": "по настоящее время"}
        for data in (job, job | {"start": "March 2019", "end": "03.2020"}):
            assert (await anna.post(f"{path}/experience", data=data)).status_code == 303
        study = {"organization": "School", "startYear": "09/2010", "endYear": "2014"}
        assert (await anna.post(f"{path}/education", data=study)).status_code == 303
        saved = await api(anna, "GET", f"/profiles{path}")
        assert (saved["salary"]["amount"], saved["salary"]["currency"]) == (120_000, "RUB")
        assert [(one["start"], one["end"]) for one in saved["experience"]] == [
            ("2019-03", None),
            ("2019-03", "2020-03"),
        ]
        assert (saved["projects"][0]["start"], saved["projects"][0]["end"]) == (
            "2019-03",
            "2020-05",
        )
        assert saved["education"][0]["startYear"] == 2010
        answer = await anna.post(f"{path}/experience", data=job | {"start": "13/2019"})
        assert answer.status_code == 422
        assert 'value="13/2019"' in answer.text
        assert 'value="по настоящее время"' in answer.text


async def test_pay_is_filtered_without_a_currency_and_skills_have_their_names(
    platform: Platform,
) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as boss, platform.client() as guest:
        await hires(boss)
        for n, skill in enumerate(("питон", "питон", "постгрес")):
            pay = {"salary_max": "200 000", "currency": "KZT" if n < 2 else "USD"}
            id = await published(boss, f"Developer {n}", skill=skill, **pay)

        async def all_are_found() -> str | None:
            found = await page(guest, "/vacancies?q=developer")
            return found if "3 jobs" in found else None

        listed = str(await eventually(all_are_found))
        skills = re.findall(r"<li>(Python|PostgreSQL|питон|постгрес)</li>", listed)
        assert sorted(skills) == ["PostgreSQL", "Python", "Python"]
        assert "PostgreSQL" in await page(guest, f"/vacancies/{id}")
        assert "постгрес" not in await page(guest, f"/vacancies/{id}")
        in_russian = (await guest.get(f"/vacancies/{id}", headers={"Accept-Language": "ru"})).text
        assert "PostgreSQL" in in_russian
        options = await page(guest, "/skills?skill=питон")
        assert 'data-value="Python"' in options
        options = (await guest.get("/skills?skill=пито", headers={"Accept-Language": "ru"})).text
        assert 'data-value="Python"' in options
        assert 'value="постгрес"' in await page(boss, f"/employer/vacancies/{id}"), "as typed"

        found = await page(guest, "/vacancies?q=developer&salaryFrom=150+000")
        assert "2 jobs" in found
        assert "In KZT, the most common currency in these results." in found
        assert "<option selected>KZT</option>" in found
        assert "currency=KZT" in found, "the feed has it too"
        assert "1 job" in await page(guest, "/vacancies?q=developer&salaryFrom=$1,000")
        assert "3 jobs" in await page(guest, "/vacancies?q=developer&currency=USD")
        by_pay = await page(guest, "/vacancies?q=developer&sort=pay")
        assert "In KZT" in by_pay
        wrong = await guest.get("/vacancies?salaryFrom=much&currency=USD")
        assert wrong.status_code == 422
        assert 'value="much"' in wrong.text
        await page(boss, "/employer/resumes?salaryTo=5+000")


async def test_a_link_shows_what_its_owner_chose_and_employers_can_contact_people_without_contacts(
    platform: Platform,
) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as boss, platform.client() as anna, platform.client() as guest:
        await hires(boss)
        vacancy = await published(boss, "Clerk", skill="SQL")
        await sign_up(anna, "anna@example.org")

        async def profile() -> str | None:
            found = await page(anna, "/me")
            return found if "profile-entry" in found else None

        assert "they see your account email: anna@example.org" in str(await eventually(profile))
        await anna.post("/me/profile", data={"fullName": "Anna Lee", "contact": ""})
        database = platform.settings.service_database("profiles")
        connection = await connect(database, application="tests")
        old = "update profile set account_email = "
        await connection.execute(f"{old} null")  # registered earlier: it is offered
        assert 'name="contact" type="text" maxlength="200" value="anna@example.org"' in (
            await page(anna, "/me")
        )
        await connection.execute(f"{old} 'anna@example.org' where full_name = 'Anna Lee'")
        await connection.close()
        path = (await anna.post("/resumes", data={"title": "Clerk"})).headers["location"]
        body = {"title": "Clerk", "skill": "SQL", "level": "", "visibility": "link"}
        assert (await anna.post(path, data=body | {"action": "publish"})).status_code == 303
        shown = await page(anna, path)
        assert "Shows your resume without name and contacts." in shown
        [link] = set(re.findall(r"/shared/[\w-]+", shown))
        assert not re.search("Anna Lee|anna@", await page(guest, link))
        answer = await post(
            anna, path, [*body.items(), ("linkShows", "name"), ("linkShows", "contacts")]
        )
        assert answer.status_code == 303, answer.text
        found = await page(guest, link)
        assert "Anna Lee" in found
        assert "anna@example.org" in found
        shown = await page(anna, path)
        assert "Shows your resume with name and contacts." in shown
        shown = await page(anna, f"{path}?edit=visibility")
        assert len(re.findall(r'name="linkShows" value="\w+" checked', shown)) == 2

        async def applied() -> str | None:
            data = {"resumeId": path.rsplit("/", 1)[1], "letter": ""}
            answer = await anna.post(f"/vacancies/{vacancy}/apply", data=data)
            return answer.headers["location"] if answer.status_code == 303 else None

        application = str(await eventually(applied)).partition("?")[0]

        async def read() -> str | None:
            found = await page(boss, application)
            return found if "Anna Lee" in found else None

        assert "anna@example.org" in str(await eventually(read))


async def test_the_chosen_role_decides_the_first_page(platform: Platform) -> None:
    platform.environment["HIREWIRE_CONTACT_EMAIL"] = "us@example.org"
    await platform.start("auth", "profiles", "web")
    for n, (role, to, start) in enumerate(
        (
            *(("employer", "", "/employer"), ("employer", "/me", "/employer")),
            *(
                ("candidate", "/employer", "/me"),
                ("candidate", "", "/me"),
                ("", "/employer", "/employer"),
            ),
            ("employer", "/vacancies?q=cook", "/vacancies?q=cook"),
        )
    ):
        async with platform.client() as client:
            answer = await sign_up(client, f"{n}@example.org", role=role, next=to)
            sign = "&" if "?" in start else "?"
            assert answer.headers["location"] == f"{start}{sign}done=welcome", (role, to)
    async with platform.client() as client:
        wrong = await sign_up(client, "x", role="employer")
        assert wrong.status_code == 422
        assert 'value="employer" checked' in wrong.text
        assert 'id="email-said" class="wrong"' in wrong.text
        start = await page(client, "/")
        for path in ("/about", "/privacy", "/contact"):
            assert f'href="{path}"' in start
            assert ("us@example.org" in await page(client, path)) == (path == "/contact")
