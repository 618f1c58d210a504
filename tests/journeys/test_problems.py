"""Errors of the real services by code: for programs, and on pages in the reader's language."""

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hirewire.kit.notices import notice
from hirewire.web.i18n.words import words
from hirewire.web.problems import Problem
from hirewire.web.sessions import ACCESS
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, post, sign_up
from tests.journeys.people import PASSWORD

pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
ALL = ("auth", "profiles", "vacancies", "web")
NOBODY = uuid4()
Wrong = tuple[str, str, dict[str, Any]]
"""Location, code and params."""
HOSTILE = "<script>%s{0}"
SALARY = {"currency": "RUB"}
OF_RESUMES: list[tuple[dict[str, Any], Wrong]] = [
    ({"title": ""}, ("#/title", "string_too_short", {"min_length": 1})),
    ({"title": "x" * 201}, ("#/title", "string_too_long", {"max_length": 200})),
    ({"title": 7}, ("#/title", "string_type", {})),
    ({"title": None, "x": 1}, ("#/x", "extra_forbidden", {})),
    ({"relocation": 1}, ("#/relocation", "not_a_boolean", {})),
    ({"visibility": "all"}, ("#/visibility", "literal_error", {"expected": ...})),
    ({"workFormats": ["remote"] * 4}, ("#/workFormats", "too_long", {"max_length": 3})),
    ({"skills": 7}, ("#/skills", "list_type", {})),
    ({"skills": [7]}, ("#/skills/0", "model_attributes_type", {})),
    ({"skills": [{}]}, ("#/skills/0/name", "missing", {})),
    ({"skills": [{"name": "a", "level": "b"}]}, ("#/skills/0/level", "not_a_number", {})),
    ({"skills": [{"name": "a", "level": 1.5}]}, ("#/skills/0/level", "int_from_float", {})),
    (
        {"skills": [{"name": "a", "level": 0}]},
        ("#/skills/0/level", "greater_than_equal", {"ge": 1}),
    ),
    ({"skills": [{"name": "a", "level": 9}]}, ("#/skills/0/level", "less_than_equal", {"le": 5})),
    ({"links": [{"url": "x"}]}, ("#/links/0/url", "url_parsing", {})),
    ({"links": [{"url": "ftp://a"}]}, ("#/links/0/url", "url_scheme", {})),
    ({"hiddenFrom": ["x"]}, ("#/hiddenFrom/0", "uuid_parsing", {})),
    (
        {"salary": {"amount": 1, "currency": "rub"}},
        ("#/salary/currency", "string_pattern_mismatch", {"pattern": "^[A-Z]{3}$"}),
    ),
    ({"projects": [{"name": "a", "start": "x"}]}, ("#/projects/0/start", "date_format", {})),
    (
        {"projects": [{"name": "a", "start": "2023-02-30"}]},
        ("#/projects/0/start", "no_such_date", {}),
    ),
    (
        {"projects": [{"name": "a", "start": "1800"}]},
        ("#/projects/0/start", "year_out_of_range", {"min": 1900, "max": 2100}),
    ),
    (
        {"projects": [{"name": "a", "start": "2020", "end": "2019"}]},
        ("#/projects/0", "end_before_start", {}),
    ),
    ({"title": "a\x00b"}, ("#", "unsupported_character", {"member": "title"})),
    ({f"{n}": n for n in range(201)}, ("#", "too_many_members", {"max": 200})),
]
OF_VACANCIES: list[tuple[dict[str, Any], Wrong]] = [
    ({"description": "<p>"}, ("#/description", "no_text", {})),
    ({"description": "<b>" * 1001}, ("#/description", "too_many_tags", {"max": 1000})),
    ({"validThrough": "2001-01-31"}, ("#/validThrough", "in_the_past", {})),
    ({"validThrough": "31.01.2099"}, ("#/validThrough", "day_format", {})),
    ({"validThrough": "2099-02-30"}, ("#/validThrough", "date_from_datetime_parsing", {})),
    ({"salary": SALARY}, ("#/salary", "salary_empty", {})),
    ({"salary": SALARY | {"min": 2, "max": 1}}, ("#/salary", "salary_range", {})),
    ({"salary": {"min": 1, "currency": "ABC"}}, ("#/salary/currency", "unknown_currency", {})),
    (
        {"requirements": [{"skill": HOSTILE}] * 2},
        ("#/requirements", "listed_twice", {"name": HOSTILE}),
    ),
]
OF_DOCUMENTS: list[tuple[Any, Wrong]] = [
    ({"a": 1}, ("#", "not_a_resume", {})),
    ({"a": "\x00"}, ("#/a", "unsupported_character", {})),
    ({"a": "x" * 100_001}, ("#/a", "string_too_long", {"max_length": 100_000})),
    (json.loads("[" * 22 + "]" * 22), ("#", "dict_type", {})),
    ({"a": json.loads("[" * 22 + "]" * 22)}, ("#/a" + "/0" * 20, "too_deep", {"max": 20})),
    ({"a": [1] * 100_001}, ("#", "too_many_values", {"max": 100_000})),
]


class Walk:
    """A series of refused calls, and the codes seen so far."""

    def __init__(self) -> None:
        self.codes: set[str] = set()

    async def refused(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any, status: int
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if ACCESS in client.cookies:
            headers["Authorization"] = f"Bearer {client.cookies[ACCESS]}"
        content = body if isinstance(body, bytes) else json.dumps(body)
        answer = await client.request(method, f"/api{path}", content=content, headers=headers)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        assert found.keys() >= {"type", "title", "status", "detail", "code", "params"}
        for one in (found, *found.get("errors", ())):
            assert one["detail"]
            self.codes.add(one["code"])
            problem = Problem(one["code"], one["params"])
            said = words("ru").problem(problem).replace(HOSTILE, "")
            assert re.search("[а-яё]", said), one
        return found

    async def wrong(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any, expected: Wrong
    ) -> None:
        place, code, params = expected
        found = await self.refused(client, method, path, body, 422)
        [error] = [one for one in found["errors"] if one["code"] == code]
        assert error.get("pointer", error.get("parameter")) == place
        any_text = {name: error["params"][name] for name in params if params[name] is ...}
        assert error["params"] == params | any_text

    async def whole(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any, status: int, code: str
    ) -> dict[str, Any]:
        found = await self.refused(client, method, path, body, status)
        assert found["code"] == code
        return found


async def test_programs_get_error_codes(platform: Platform) -> None:
    await platform.start(*ALL)
    walk = Walk()
    async with platform.client() as boss, platform.client() as anna, platform.client() as guest:
        await hires(boss)
        await sign_up(anna, "anna@example.org")

        register, login = "/auth/register", "/auth/login"
        for password, code, params in (
            ("short", "string_too_short", {"min_length": 8}),
            ("x" * 201, "string_too_long", {"max_length": 200}),
            ("password123", "password_too_common", {}),
            ("eve@example.org", "password_is_email", {}),
        ):
            body = {"email": "eve@example.org", "password": password}
            await walk.wrong(guest, "POST", register, body, ("#/password", code, params))
        body = {"email": "eve", "password": PASSWORD}
        await walk.wrong(guest, "POST", register, body, ("#/email", "email_invalid", {}))
        body = {"email": "anna@example.org", "password": PASSWORD}
        await walk.whole(guest, "POST", register, body, 409, "email_taken")
        body["password"] = "another password"
        await walk.whole(guest, "POST", login, body, 401, "wrong_credentials")
        for _ in range(20):
            answer = await guest.post(f"/api{login}", json=body)
        found = await walk.whole(guest, "POST", login, body, 429, "too_many_failures")
        waiting = int(answer.headers["retry-after"])
        assert waiting - 10 <= found["params"]["seconds"] <= waiting
        assert found["detail"].startswith("Too many failed login attempts; try again in ")
        await walk.whole(guest, "POST", register, b"{", 400, "not_json")
        await walk.whole(guest, "POST", register, b"x" * 2_000_000, 413, "too_large")
        await walk.whole(guest, "GET", "/auth/me", None, 401, "unauthenticated")
        await walk.wrong(
            guest, "GET", "/vacancies/vacancies?q=%00", None, ("q", "unsupported_character", {})
        )
        await walk.wrong(guest, "GET", "/vacancies/vacancies?after=x", None, ("", "bad_cursor", {}))
        await walk.wrong(
            guest,
            "GET",
            "/vacancies/vacancies?salaryFrom=1",
            None,
            ("query", "currency_required", {}),
        )
        await walk.whole(
            guest, "GET", f"/vacancies/companies/{NOBODY}", None, 404, "company_not_found"
        )

        resume = (await api(anna, "POST", "/profiles/resumes", {"title": "Cook"}))["id"]
        mine = f"/profiles/resumes/{resume}"
        for change, expected in OF_RESUMES:
            await walk.wrong(anna, "PATCH", mine, change, expected)
        for document, expected in OF_DOCUMENTS:
            await walk.wrong(anna, "POST", "/profiles/resumes/import", document, expected)
        job = await api(anna, "POST", f"{mine}/experience", {"position": "Cook", "start": "2020"})
        item = f"{mine}/experience/{job['id']}"
        await walk.wrong(anna, "PATCH", item, {"end": "2019"}, ("#/end", "end_before_start", {}))
        await walk.whole(anna, "PATCH", f"/profiles/resumes/{NOBODY}", {}, 404, "resume_not_found")
        await walk.whole(anna, "DELETE", f"{mine}/education/{NOBODY}", None, 404, "item_not_found")
        await walk.whole(guest, "GET", "/profiles/shared/x", None, 404, "link_not_found")
        await walk.whole(anna, "PATCH", mine, {"status": "hidden"}, 409, "move_not_allowed")

        vacancy = (await api(boss, "POST", "/vacancies/vacancies", {"title": "Cook"}))["id"]
        ours = f"/vacancies/vacancies/{vacancy}"
        for change, expected in OF_VACANCIES:
            await walk.wrong(boss, "PATCH", ours, change, expected)
        found = await walk.whole(boss, "POST", f"{ours}/publish", None, 409, "incomplete")
        assert [one["code"] for one in found["errors"]] == ["required_to_publish"]
        await walk.whole(boss, "POST", f"{ours}/reopen", None, 409, "move_not_allowed")
        await walk.whole(
            anna, "POST", "/vacancies/vacancies", {"title": "x"}, 403, "not_an_employer"
        )
        profile = "/vacancies/employer-profile"
        await walk.whole(anna, "GET", profile, None, 404, "no_employer_profile")
        again = {"companyName": "Acme"}
        await walk.whole(boss, "POST", profile, again, 409, "employer_profile_exists")
        await walk.wrong(boss, "PATCH", profile, {"phone": "x"}, ("#/phone", "phone_format", {}))
        await walk.whole(boss, "PUT", f"{profile}/logo", b"x", 422, "not_an_image")

        await api(boss, "PATCH", ours, {"description": "Soups", "responseLetterRequired": True})
        await api(boss, "POST", f"{ours}/publish")
        asked, apply = {"resumeId": resume}, f"{ours}/applications"

        async def is_known() -> bool:
            found = await anna.post(
                f"/api{apply}",
                json=asked,
                headers={"Authorization": f"Bearer {anna.cookies[ACCESS]}"},
            )
            return found.status_code != 404

        await eventually(is_known)
        found = await walk.whole(anna, "POST", apply, asked, 409, "resume_is_draft")
        assert [one["params"] for one in found["errors"]] == [{"field": "skills"}]
        await api(anna, "PATCH", mine, {"skills": [{"name": "Soup"}], "status": "published"})

        async def is_published() -> bool:
            found = await anna.post(
                f"/api{apply}",
                json=asked,
                headers={"Authorization": f"Bearer {anna.cookies[ACCESS]}"},
            )
            return found.status_code == 422

        await eventually(is_published)
        await walk.wrong(anna, "POST", apply, asked, ("#/letter", "letter_required", {}))
        asked["letter"] = "Hello"
        made = (await api(anna, "POST", apply, asked))["id"]
        found = await walk.whole(anna, "POST", apply, asked, 409, "already_applied")
        assert found["applicationId"] == made
        stage = {"stage": "offer"}
        await walk.whole(
            anna, "POST", f"/vacancies/applications/{made}/accept", {}, 409, "move_not_allowed"
        )
        await walk.whole(
            boss,
            "POST",
            f"/vacancies/applications/{NOBODY}/stage",
            stage,
            404,
            "application_not_found",
        )
    assert len(walk.codes) > 60


async def test_pages_show_errors_in_the_readers_language(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna, platform.client() as guest:
        for client in (boss, anna, guest):
            client.headers["Accept-Language"] = "ru"
        await hires(boss)
        await sign_up(anna, "anna@example.org")
        for email, password, expected in (
            ("eve@example.org", "short", "Не менее 8 символов"),
            ("eve@example.org", "password123", "Слишком простой пароль. Придумайте другой."),
            ("anna@example.org", PASSWORD, "Эта почта уже зарегистрирована."),
            ("eve", PASSWORD, "Введите корректный адрес электронной почты"),
        ):
            body = {"email": email, "password": password, "consent": notice(None).version}
            assert wrong_in(await guest.post("/signup", data=body))[-1] == expected
        body = {"email": "anna@example.org", "password": "another password"}
        said = {wrong_in(await guest.post("/signin", data=body))[0] for _ in range(20)}
        assert len(said) == 2, "wrong, then too often"
        assert any(re.search(r"Попробуйте через 15 минут\.$", one) for one in said), said

        made = await anna.post("/resumes", data={"title": "Cook"})
        path = made.headers["location"]
        row = dict.fromkeys(("projectUrl", "projectStart", "projectEnd", "projectDescription"), "")
        answer = await post(
            anna,
            path,
            [
                ("title", "x" * 201),
                *[("linkUrl", "https://a.example"), ("linkLabel", "")],
                *[("linkUrl", "x"), ("linkLabel", "y" * 10_000)],
                *[("projectName", "Move"), *row.items(), ("projectHighlights", "a\n" * 51)],
                *[("salaryAmount", "10"), ("salaryCurrency", "rubles")],
            ],
        )
        assert answer.status_code == 422
        for expected in (
            "Не более 200 символов",
            "Не более 50 строк",
            "Укажите код валюты, например RUB или EUR",
        ):
            assert expected in wrong_in(answer)
        assert re.search(r'id="link-1-said"[^>]*>Укажите ссылку', answer.text)
        assert 'id="link-0-said"' not in answer.text

        for content, reason in (
            (b"{", "Это не файл JSON."),
            (b"[]", "Неверный формат"),
            (b'{"a": 1}', "В файле нет ни имени, ни опыта работы, ни образования"),
            (b'{"basics": {"name": "\\u0000"}}', "Содержит недопустимый символ"),
        ):
            files = {"file": ("resume.json", content, "application/json")}
            answer = await anna.post("/resumes/import", files=files)
            assert answer.status_code == 422
            assert wrong_in(answer) == [reason]
        assert "<code>basics/name</code>" in answer.text
        document = {
            "basics": {"label": "x" * 201, "profiles": [{"url": "<b>"}]},
            "languages": [{"language": "Dutch", "fluency": "so so"}],
            "work": [{"name": "Inn", "startDate": "in spring 2020", "endDate": 7}],
        }
        files = {"file": ("resume.json", json.dumps(document).encode(), "application/json")}
        imported = await anna.post("/resumes/import", files=files)
        assert imported.status_code == 201
        skipped = re.findall(r'<code>#[^<]*</code> <span class="quiet">([^<]*)<', imported.text)
        assert {"Сокращено до 200 символов", "Изменено на 2020"} <= set(skipped)
        assert all(is_russian(one) for one in skipped), skipped

        made = await boss.post("/employer/vacancies", data={"title": "Cook"})
        vacancy = made.headers["location"]
        twice = [("skill", HOSTILE), ("kind", "must"), ("level", "")] * 2
        answer = await post(boss, vacancy, [("title", "Cook"), ("action", "publish"), *twice])
        assert "&lt;script&gt;%s{0} указано дважды" in answer.text
        assert "<script>%s" not in answer.text
        answer = await post(boss, vacancy, [("title", "Cook"), ("action", "publish")])
        assert "Обязательно для публикации" in wrong_in(answer)
        whole = [("title", "Cook"), ("description", "Soups"), ("action", "publish")]
        assert (await post(boss, vacancy, whole)).status_code == 303
        public = vacancy.removeprefix("/employer")

        async def is_known() -> bool:
            answer = await anna.post(f"{public}/apply", data={"resumeId": path.rsplit("/", 1)[1]})
            return "черновик" in " ".join(wrong_in(answer))

        await eventually(is_known)
        outdated = await guest.get("/vacancies?after=x")
        assert wrong_in(outdated) == ["Эта страница списка устарела. Начните с первой."]


def wrong_in(answer: httpx.Response) -> list[str]:
    """The errors on a page; all of its text is in Russian."""
    found = re.findall(r'class="wrong"[^>]*>(.*?)</(?:p|span)>', answer.text)
    texts = [re.sub(r"<code>.*?</code>: ", "", one).strip() for one in found]
    assert all(is_russian(one) for one in texts), texts
    return texts


def is_russian(text: str) -> bool:
    rest = re.sub(r"&[a-z]+;|https://|JSON|RUB|EUR|PDF|script%s|YYYY|-MM|-DD", "", text)
    return bool(re.search("[а-яё]", rest)) and not re.search("[A-Za-z]{2}", rest)
