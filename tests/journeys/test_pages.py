"""Pages without a browser: sessions, forms from other sites, and unavailable services."""

import re
from html import unescape
from typing import Any

import pytest

from hirewire.web.sessions import ACCESS, REFRESH
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.forms import forms_to, whole_editor
from tests.journeys.paging import api, hires, page, post, sign_up
from tests.journeys.people import PASSWORD

ALL = ("auth", "profiles", "vacancies", "web")
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


async def test_sessions_are_cookies_that_scripts_cannot_read(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        answer = await sign_up(client, "anna@example.org", next="//evil.example/x")
        assert (answer.status_code, answer.headers["location"]) == (303, "/me?done=welcome")
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
        assert PASSWORD not in answer.text
        again = await sign_up(client, "anna@example.org")
        assert again.status_code == 409
        assert "This email is already registered." in again.text
        assert 'value="anna@example.org"' in again.text
        assert PASSWORD not in again.text

        # An expired access token is renewed, even by two requests at once.
        old = client.cookies[REFRESH]
        client.cookies.clear()
        stale = {"Cookie": f"{ACCESS}=x.e30.y; {REFRESH}={old}"}
        first = await client.get("/me", headers=stale)
        second = await client.get("/me", headers=stale)
        assert (first.status_code, second.status_code) == (200, 200)
        assert client.cookies[REFRESH] != old
        await client.post("/signout")
        assert (await client.get("/me")).status_code == 303
        wrong = await client.post("/signin", data={"email": "anna@example.org", "password": "no"})
        assert wrong.status_code == 401
        assert "Wrong email or password." in wrong.text
        dead = await client.get("/me", headers={"Cookie": f"{ACCESS}=x.e30.y; {REFRESH}={old}"})
        assert dead.headers["location"] == "/signin?next=%2Fme"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(
    platform: Platform, headers: dict[str, str]
) -> None:
    await platform.start("web")
    async with platform.client() as client:
        for path in ("/signup", "/signin", "/signout", "/resumes", "/employer", "/language"):
            answer = await client.post(path, data={"email": "x@example.org"}, headers=headers)
            assert answer.status_code == 403, path
            assert "set-cookie" not in answer.headers


async def test_input_is_kept_when_a_service_is_unavailable(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        await hires(client)
        await client.post("/resumes", data={"title": "Cook"})
        await platform.stop("vacancies")
        body = {"title": "Chef & <b>more", "description": "Long\ntext"}
        answer = await client.post("/employer/vacancies", data=body)
        assert answer.status_code == 503
        assert "Chef &amp; &lt;b&gt;more" in answer.text
        home = await page(client, "/me")
        assert "Cook" in home
        assert "Jobs are temporarily unavailable" in home
        await platform.start("vacancies")
        [action] = re.findall(r'<main.*?<form action="([^"]*)"', answer.text, re.S)
        sent = await client.post(action, data=body)
        assert sent.headers["location"].startswith("/employer/vacancies/")

        await platform.stop("profiles")
        assert "Your profile is temporarily unavailable" in await page(client, "/me")
        await page(client, "/vacancies")
        await platform.stop("auth")
        answer = await client.post("/signin", data={"email": "a@example.org", "password": "x"})
        assert answer.status_code == 503
        assert 'value="a@example.org"' in answer.text
        assert "Acme" in await page(client, "/employer")


async def test_errors_are_shown_next_to_the_field_in_the_language_of_the_page(
    platform: Platform,
) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        await client.post("/language", data={"language": "ru", "next": "/"})
        await hires(client)
        answer = await client.post("/employer/vacancies", data={"title": ""})
        assert answer.status_code == 422
        assert "Обязательное поле" in answer.text
        made = await client.post("/employer/vacancies", data={"title": "Повар"})
        path = made.headers["location"]
        body: list[tuple[str, Any]] = [
            *(("title", "Повар"), ("description", "Готовить"), ("action", "save")),
            *(("skill", "SQL"), ("kind", "must"), ("level", "3")),
            *(("skill", "sql"), ("kind", "nice"), ("level", "")),
            *(("salary_min", "200 000"), ("salary_max", "100"), ("currency", "rub")),
            ("validThrough", "2001-01-01"),
        ]
        answer = await post(client, path, body)
        assert answer.status_code == 422
        for said in ("sql указано дважды", "меньше суммы «от»", "Эта дата уже прошла"):
            assert said in answer.text
        assert 'value="200000"' in answer.text
        body[-1] = ("validThrough", "")
        fixed = [one for one in body if one[0] != "salary_max" and one[1] != "sql"]
        answer = await post(client, path, fixed)
        assert answer.status_code == 303, answer.text
        made = await client.post("/resumes", data={"title": "Повар"})
        resume = made.headers["location"]
        answer = await client.post(
            f"{resume}/experience", data={"position": "Шеф", "start": "2020", "end": "2010"}
        )
        assert "Дата окончания раньше даты начала" in answer.text
        assert 'value="Шеф"' in answer.text
        answer = await client.post(
            "/resumes/import", files={"file": ("x.json", b"not json", "application/json")}
        )
        assert "Это не файл JSON." in answer.text
        for file, status, said in (
            (b"Anna, a cook", 422, "Это не PDF и не документ Word"),
            (b"%PDF-" + bytes(6 * 2**20), 413, "Файл больше 5"),
            (b"%PDF-" + bytes(9 * 2**20), 413, "Слишком большой размер"),
        ):
            files = {"file": ("cv.pdf", file, "application/pdf")}
            answer = await client.post(
                "/resumes/import", files=files, headers={"Accept": "text/html"}
            )
            assert answer.status_code == status
            assert said in answer.text
        for sources in ("{", "[]", '{"/basics/label": 7}', "[" * 5000):
            fields = {"summary": "ы" * 110_000, "skills": "я" * 80_000}  # as sent, over a MiB
            answer = await client.post("/resumes/read", data=fields | {"sources": sources})
            assert answer.status_code == 422
            assert 'id="summary-said" class="wrong"' in answer.text
            answer = await client.post("/employer/vacancies/checked", data={"lines": sources})
            assert answer.status_code == 422
            assert 'id="title-said" class="wrong"' in answer.text
        for address, above in (("/resumes/read", "/"), ("/employer/vacancies/read", "/employer")):
            asked = await client.get(address, headers={"Accept": "text/html"})
            assert (asked.status_code, asked.headers["location"]) == (303, above), address
        for text, said in (("", "Обязательное"), ("x" * 20_001, "Не более 20")):
            answer = await client.post("/employer/vacancies/read", data={"text": text})
            assert answer.status_code == 422
            assert re.search(rf'id="text-said" class="wrong">[^<]*{said}', answer.text)
        document = b'{"basics": {"label": "Imported"}, "work": [{"name": "Acme"}]}'
        answer = await client.post(
            "/resumes/import", files={"file": ("x.json", document, "application/json")}
        )
        assert answer.status_code == 303
        pdf = await client.get(f"{resume}/file.pdf")
        assert pdf.content.startswith(b"%PDF-")
        assert (await client.get(f"{resume}/file.json")).json()["basics"]["label"] == "Повар"


async def test_a_form_changes_nothing_that_it_does_not_show(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        await hires(client)

        async def has_profile() -> bool:
            return 'name="fullName"' in await page(client, "/me")

        await eventually(has_profile)
        contacts = [
            {"kind": "phone", "value": "+7 1", "preferred": True},
            {"kind": "telegram", "value": "@anna", "preferred": False},
        ]
        await api(client, "PATCH", "/profiles/me", {"contacts": contacts})
        typed = {"fullName": "Anna", "headline": "", "area": "Omsk", "contact": "a@example.org"}
        answer = await client.post("/me/profile", data=typed)
        assert answer.status_code == 303, answer.text
        kept = (await api(client, "GET", "/profiles/me"))["contacts"]
        assert [one["value"] for one in kept] == ["a@example.org", "@anna"]

        vacancy = {
            "title": "Guide",
            "description": "<p>Show <b>around</b></p>",
            "employmentType": "VOLUNTEER",
            "salary": {"min": 10, "currency": "EUR", "unit": "DAY", "gross": False},
            "languages": [{"language": "English", "level": "B2"}],
            "requirements": [{"skill": "Walking", "kind": "nice", "level": 2}],
        }
        made = await api(client, "POST", "/vacancies/vacancies", vacancy)
        editor = await page(client, f"/employer/vacancies/{made['id']}")
        assert "Missing: Location, Country (set by the site administrator)." in editor
        company = (await api(client, "GET", "/vacancies/employer-profile"))["companyId"]
        resume = {
            "title": "Guide",
            "hiddenFrom": [company],
            "employmentTypes": ["PER_DIEM"],
            "salary": {"amount": 5, "currency": "EUR", "unit": "WEEK"},
            "skills": [{"name": "Walking", "level": 2}],
            "links": [{"url": "https://example.org/"}],
            "certificates": [{"name": "Guide"}],
            "visibility": "applied",
        }
        written = await api(client, "POST", "/profiles/resumes", resume)
        vacancy_at, resume_at = f"/employer/vacancies/{made['id']}", f"/resumes/{written['id']}"
        opened = await page(client, whole_editor(written))
        for address, read, forms in (
            (vacancy_at, f"/vacancies/vacancies/{made['id']}", [_fields(editor, vacancy_at)]),
            (resume_at, f"/profiles/resumes/{written['id']}", forms_to(opened, resume_at)),
        ):
            before = await api(client, "GET", read)
            assert forms
            for fields in forms:
                answer = await post(client, address, [*fields, ("action", "save")])
                assert answer.status_code == 303, answer.text
            assert await api(client, "GET", read) == before, "saved as it is: no change, no version"


def _fields(html: str, action: str) -> list[tuple[str, str]]:
    """The fields that a browser would send of this form without any input."""
    [form] = re.findall(
        rf'<form action="{action}" method="post" [^>]*(?:class="card"|id="vacancy")>(.*?)</form>',
        html,
        re.S,
    )
    found: list[tuple[str, str]] = []
    pattern = (
        r'<input ([^>]*)>|<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>'
        r'|<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>'
    )
    for attributes, area, text, select, options in re.findall(pattern, form, re.S):
        if attributes:
            name = re.search(r'name="([^"]*)"', attributes)
            value = re.search(r'value="([^"]*)"', attributes)
            is_box = "checkbox" in attributes or "radio" in attributes
            if name and (not is_box or " checked" in attributes):
                found.append((name[1], unescape(value[1]) if value else "on"))
        elif area:
            found.append((area, unescape(text)))
        else:
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            first = re.search(r'<option value="([^"]*)"', options)
            found.append((select, chosen[1] if chosen else first[1] if first else ""))
    return found
