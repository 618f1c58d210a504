"""Page actions beyond the three scenarios, form by form, without a browser."""

import io
import re
from html import unescape
from uuid import uuid4

import pytest
from PIL import Image

from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, post, sign_up

ALL = ("auth", "profiles", "vacancies", "web")
PART = {"HX-Request": "true"}
BROWSER = {"Accept": "text/html"}
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


async def test_experience_is_changed_in_its_place(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as client:
        await sign_up(client, "anna@example.org")
        made = await client.post("/resumes", data={"title": "Cook"})
        path = made.headers["location"]
        job = {"position": "Cook", "company": "Inn", "start": "2020-03", "end": "2021"}
        added = await client.post(f"{path}/experience", data=job, headers=PART)
        assert added.status_code == 201
        assert "<html" not in added.text
        assert ">Cook</h3>" in added.text
        assert "Inn · March 2020 – 2021" in added.text
        assert '<hx-partial hx-target="#standing"' in added.text
        [id] = re.findall(r'id="item-([0-9a-f-]{36})"', added.text)

        wrong = job | {"position": "", "end": "2019"}
        for headers in (PART, {}):
            answer = await client.post(f"{path}/experience/{id}", data=wrong, headers=headers)
            assert answer.status_code == 422
            assert 'value="2019"' in answer.text
            assert f'id="item-{id}-save"' in answer.text, "it is open"
        assert 'aria-invalid="true"' in answer.text
        cleared = await client.post(
            f"{path}/experience/{id}", data=job | {"company": "", "description": "Soups"}
        )
        assert cleared.status_code == 303
        saved = (await api(client, "GET", f"/profiles{path}"))["experience"]
        assert [(one["position"], one["company"], one["description"]) for one in saved] == [
            ("Cook", None, "Soups")
        ]
        study = {"organization": "School", "startYear": "1999", "endYear": "x"}
        answer = await client.post(f"{path}/education", data=study)
        assert answer.status_code == 422
        assert 'value="School"' in answer.text
        answer = await client.post(f"{path}/education", data=study | {"endYear": "2003"})
        assert answer.status_code == 303
        await client.post(f"{path}/experience", data={"position": "Waiter", "start": "2018"})
        remove = {"action": "delete"}
        for headers in ({}, PART):  # it can be restored where it was, unchanged
            before = (await api(client, "GET", f"/profiles{path}"))["experience"]
            id = before[0]["id"]
            gone = await client.post(f"{path}/experience/{id}", data=remove, headers=headers)
            assert gone.status_code == 200
            assert "Deleted." in gone.text
            given = dict(re.findall(r'name="(removed|place)" value="([^"]*)"', gone.text))
            undo = {name: unescape(value) for name, value in given.items()}
            back = await client.post(f"{path}/experience", data=undo)
            assert back.headers["location"] == f"{path}?done=undone#experience"
            after = (await api(client, "GET", f"/profiles{path}"))["experience"]
            assert [one | {"id": ""} for one in after] == [one | {"id": ""} for one in before]
        assert f'hx-target="#item-{id}" hx-swap="delete"' in gone.text
        bad = await client.post(f"{path}/experience", data={"removed": "[1]", "place": "0"})
        assert bad.status_code == 404
        for one in after:
            again = f"{path}/experience/{one['id']}"
            assert (await client.post(again, data=remove, headers=PART)).status_code == 200
        assert "Undo" not in (await client.post(again, data=remove, headers=PART)).text
        saved = await api(client, "GET", f"/profiles{path}")
        assert (saved["experience"], len(saved["education"])) == ([], 1)
        await page(client, f"{path}/nothing", 405)


async def test_a_resume_can_be_hidden_from_a_company_and_lists_its_readers(
    platform: Platform,
) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        made = await boss.post("/employer/vacancies", data={"title": "Cook"})
        vacancy = made.headers["location"]
        body = [("title", "Cook"), ("description", "Soups"), ("skill", "SQL"), ("kind", "must")]
        answer = await post(boss, vacancy, [*body, ("level", ""), ("action", "publish")])
        assert answer.status_code == 303, answer.text
        await sign_up(anna, "anna@example.org")
        path = (await anna.post("/resumes", data={"title": "Cook"})).headers["location"]
        skill = [("title", "Cook"), ("skill", "SQL"), ("level", "4"), ("visibility", "recommended")]

        options = await page(anna, "/companies?hideCompany=ac")
        assert 'role="option"' in options
        assert 'data-value="Acme"' in options
        unknown = await post(anna, path, [*skill, ("hideCompany", "Nobody & Sons")])
        assert unknown.status_code == 422
        assert 'value="Nobody &amp; Sons"' in unknown.text
        assert (await api(anna, "GET", f"/profiles{path}"))["skills"] == [], "nothing half done"
        company = (await api(boss, "GET", "/vacancies/employer-profile"))["companyId"]
        hidden = await post(anna, path, [*skill, ("hideCompany", "acme"), ("action", "publish")])
        assert hidden.status_code == 303, hidden.text
        assert (await api(anna, "GET", f"/profiles{path}"))["hiddenFrom"] == [company]
        assert "Hidden from: Acme" in await page(anna, path)
        assert re.search(r"checked> Acme", await page(anna, f"{path}?edit=visibility"))

        shown = await post(anna, path, [*skill, ("action", "save")])
        assert shown.status_code == 303
        assert (await api(anna, "GET", f"/profiles{path}"))["hiddenFrom"] == []
        assert "No company can see your name and contacts." in await page(anna, path)

        async def fits() -> bool:
            return ">Cook</a>" in await page(anna, "/me")

        await eventually(fits)
        applied = await anna.post(
            f"/vacancies/{vacancy.rsplit('/', 1)[1]}/apply",
            data={"resumeId": path.rsplit("/", 1)[1], "letter": "Hello"},
        )
        application = applied.headers["location"].split("?")[0]

        async def is_open() -> bool:
            answer = await boss.get(f"{application}/resume.pdf")
            return answer.status_code == 200 and answer.content.startswith(b"%PDF-")

        await eventually(is_open)
        assert (await anna.get(f"{application}/resume.pdf")).status_code == 404
        readers = await page(anna, path)
        assert "<strong>Acme</strong>" in readers
        assert "Viewed 1 time" in readers

        board = await page(boss, f"{vacancy}/board")
        assert 'data-stage="response"' in board
        declined = await boss.post(
            f"{application}/stage",
            data={
                "stage": "discard_by_employer",
                "reason": "salary",
                "comment": "Sorry",
                "back": f"{vacancy}/board",
            },
        )
        assert declined.headers["location"] == f"{vacancy}/board?done=saved"
        assert "Declined: Salary expectations" in await page(boss, f"{vacancy}/board")
        html = await page(anna, application)
        assert "· Salary expectations" in html
        assert "Sorry" in html


async def test_searches_are_saved_and_resumes_are_searched(platform: Platform) -> None:
    await platform.start(*ALL, "notifications")
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        made = await boss.post("/employer/vacancies", data={"title": "Night cook"})
        vacancy = made.headers["location"]
        body = [("title", "Night cook"), ("description", "Soups"), ("area", "Omsk")]

        await sign_up(anna, "anna@example.org")
        query = "q=cook&workFormat=remote&workFormat=hybrid&salaryFrom=100&currency=EUR"
        kept = await anna.post("/me/searches", data={"query": query, "name": "Cook, remote"})
        assert kept.headers["location"] == "/me?done=saved"
        wide = await anna.post("/me/searches", data={"query": "q=cook", "alerts": "yes"})
        assert wide.headers["location"] == "/me?done=alerts_on"
        listed = (await api(anna, "GET", "/vacancies/searches"))["items"]
        assert [(one["name"], one["alerts"]) for one in listed] == [
            *(("cook", True), ("Cook, remote", False))
        ]
        home = await page(anna, "/me")
        assert 'aria-label="Turn off alerts: cook"' in home
        assert 'aria-label="Turn on alerts: Cook, remote"' in home
        switched = await anna.post(f"/me/searches/{listed[1]['id']}", data={"action": "alert"})
        assert switched.headers["location"] == "/me?done=alerts_on"
        await anna.post(f"/me/searches/{listed[1]['id']}", data={"action": "mute"})
        assert 'aria-label="Turn on alerts: Cook, remote"' in await page(anna, "/me")
        assert listed[1]["query"] == {
            "q": "cook",
            "workFormat": ["remote", "hybrid"],
            "salaryFrom": 100,
            "currency": "EUR",
        }
        bad = await anna.post("/me/searches", data={"query": "days=soon"})
        assert bad.headers["location"] == "/me?done=changed"
        answer = await post(boss, vacancy, [*body, ("action", "publish")])
        assert answer.status_code == 303, answer.text

        async def is_new() -> bool:
            return "1 new job" in await page(anna, "/me")

        await eventually(is_new)
        opened = await anna.post(f"/me/searches/{listed[0]['id']}", data={"action": "open"})
        assert opened.headers["location"] == "/vacancies?sort=date&q=cook"
        assert "Night <mark>cook</mark>" in await page(anna, opened.headers["location"])
        assert "1 new job" not in await page(anna, "/me")
        assert (await boss.post(f"/me/searches/{listed[0]['id']}")).status_code == 404
        assert (await boss.get(f"/me/searches/{listed[0]['id']}")).status_code == 404

        async def is_notified() -> bool:
            return "1 new job for “cook”" in await page(anna, "/notices")

        await eventually(is_notified)
        again = await anna.get(f"/me/searches/{listed[0]['id']}")
        assert again.headers["location"] == "/vacancies?sort=date&q=cook"
        assert 'class="unread"' not in await page(anna, "/notices"), "seen there"
        await anna.post(f"/me/searches/{listed[0]['id']}", data={"action": "delete"})
        assert len((await api(anna, "GET", "/vacancies/searches"))["items"]) == 1

        wrong = await anna.get("/vacancies?q=cook&salaryFrom=lots&currency=EUR")
        assert wrong.status_code == 422
        assert 'value="lots"' in wrong.text
        assert "Must be a whole number" in wrong.text
        assert "Night <mark>cook</mark>" in wrong.text
        await page(anna, "/vacancies?currency=EUR")
        company = (await api(boss, "GET", "/vacancies/employer-profile"))["companyId"]
        assert "Night cook" in await page(anna, f"/companies/{company}")
        await page(anna, f"/companies/{uuid4()}", 404)

        assert (await anna.get("/employer/resumes")).headers["location"] == "/employer"
        path = (await anna.post("/resumes", data={"title": "Baker"})).headers["location"]
        published = [("title", "Baker"), ("skill", "SQL"), ("level", "4"), ("action", "publish")]
        assert (await post(anna, path, published)).status_code == 303

        async def is_found() -> bool:
            return "<mark>Baker</mark>" in await page(boss, "/employer/resumes?q=baker")

        await eventually(is_found)
        invited = await boss.post(
            "/employer/resumes",
            data={
                "resumeId": path.rsplit("/", 1)[1],
                "vacancy": vacancy.rsplit("/", 1)[1],
                "message": "Come!",
                "back": "/employer/resumes?q=baker",
            },
        )
        assert invited.headers["location"].startswith("/applications/"), invited.text
        twice = await boss.post(
            "/employer/resumes",
            data={"resumeId": "x", "vacancy": "../../x", "back": "https://evil.example"},
        )
        assert twice.headers["location"] == "/employer/resumes?done=changed"


async def test_errors_are_shown_on_a_page(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as client:
        for path in ("/nowhere", "/vacancies/x"):
            answer = await client.get(path, headers=BROWSER)
            assert (answer.status_code, path) == (404, path)
            assert answer.text.startswith("<!doctype html>")
            assert "Go to the home page" in answer.text
            plain = await client.get(path)
            assert plain.headers["content-type"] == "application/problem+json"
        resume = f"/resumes/{uuid4()}"
        forms = (
            ("/signout", "/"),
            (f"{resume}/experience", resume),
        )
        for path, above in forms:
            answer = await client.get(path, headers=BROWSER)
            assert (answer.status_code, answer.headers.get("location")) == (303, above), path
            assert (await client.get(path)).status_code == 405, "programs get a problem"
        foreign = await client.post(
            "/signup", data={}, headers=BROWSER | {"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 403
        assert "sent from another site" in foreign.text

        await sign_up(client, "anna@example.org")
        path = (await client.post("/resumes", data={"title": "Cook"})).headers["location"]
        # vacancies is unavailable: a part of a page keeps its content
        reach = await client.post(path, data={"title": "Cook", "action": "reach"}, headers=PART)
        assert (reach.status_code, reach.headers["hx-reswap"]) == (503, "none")
        assert reach.headers["hx-trigger"] == "away"
        client.cookies.clear()
        over = await client.post(path, data={"title": "Cook & <b>more"})
        assert over.status_code == 401
        assert "Cook &amp; &lt;b&gt;more" in over.text
        part = await client.post(path, data={"title": "x"}, headers=PART)
        assert (part.status_code, part.headers["hx-trigger"]) == (401, "signed-out")


async def test_the_theme_is_chosen_and_remembered(platform: Platform) -> None:
    await platform.start("web")
    async with platform.client() as client:
        assert "data-theme" not in await page(client, "/signup")
        answer = await client.post("/theme", data={"theme": "dark", "next": "/signup"})
        assert answer.headers["location"] == "/signup"
        assert 'data-theme="dark"' in await page(client, "/signup")
        await client.post("/theme", data={"theme": "pink"})
        assert 'data-theme="dark"' in await page(client, "/signup")
        await client.post("/theme", data={"theme": ""})
        assert "data-theme" not in await page(client, "/signup")


async def test_a_company_has_a_page_and_reopens_a_closed_vacancy(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as guest:
        await hires(boss)
        picture = io.BytesIO()
        Image.new("RGB", (80, 20), (10, 90, 10)).save(picture, "PNG")
        texts = {
            "companyName": "Rose & Sons",
            "description": "Since\n\n1901",
            "site": "rose.example",
        }
        path = "/employer/company"
        files = {"logo": ("logo.png", picture.getvalue(), "image/png")}
        saved = await boss.post(path, data=texts | {"phone": "12345"}, files=files)
        assert (saved.status_code, saved.headers["location"]) == (303, f"{path}?done=saved")
        edited = await page(boss, path)
        assert 'value="https://rose.example/"' in edited
        [logo] = set(re.findall(r'<img[^>]* src="(/api/[^"]+/logo[^"]*)"', edited))
        assert (await guest.get(logo.replace("&amp;", "&"))).headers["content-type"] == "image/webp"

        made = await boss.post("/employer/vacancies", data={"title": "Florist"})
        vacancy = made.headers["location"]
        fields = [("title", "Florist"), ("description", "Roses"), ("action", "publish")]
        assert (await post(boss, vacancy, fields)).status_code == 303
        public = vacancy.removeprefix("/employer")
        assert logo in await page(guest, public)
        company = re.findall(r'href="(/companies/[^"]+)"', await page(guest, public))[0]
        shown = await page(guest, company)
        for part in (logo, "Rose &amp; Sons", "Since", ">rose.example<"):
            assert part in shown

        for wrong, said in (
            ({"companyName": ""}, "This field is required"),
            ({"site": "http://x" + "x" * 2500}, "aria-invalid"),
        ):
            answer = await boss.post(path, data=texts | wrong)
            assert answer.status_code == 422
            assert said in answer.text
            assert "1901" in answer.text, "what was typed stays"
        for content, kind, status in (
            (b"<svg/>", "image/svg+xml", 422),
            (b"no image", "image/png", 422),
            (b"x" * (1024 * 1024 + 1), "image/png", 413),
        ):
            answer = await boss.post(path, data=texts, files={"logo": ("x", content, kind)})
            assert answer.status_code == status
            assert 'id="logo-said" class="wrong"' in answer.text
        await boss.post(path, data=texts | {"noLogo": "on"})
        assert logo not in await page(boss, path)

        await boss.post(vacancy, data={"action": "close", "reason": "filled"})
        assert "This job is closed." in await page(guest, public)
        assert 'value="reopen"' in await page(boss, vacancy)
        await boss.post(vacancy, data={"action": "reopen"})
        assert "is not accepting applications" in await page(guest, public)
        copied = await boss.post(vacancy, data={"action": "copy"})
        draft = copied.headers["location"].partition("?")[0]
        assert draft != vacancy
        assert "Roses" in await page(boss, draft)
        answer = await guest.post(path, data=texts, files=files)
        assert answer.status_code == 303
        assert "/signin" in answer.headers["location"]
