"""What both sides see of each other on the pages, before and after an application."""

import re

import httpx
import pytest

from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, post, sign_up

ALL = ("auth", "profiles", "vacancies", "web")
PART = {"HX-Request": "true"}
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


async def opened(boss: httpx.AsyncClient, title: str) -> str:
    """The path of a new open vacancy that requires SQL."""
    path = (await boss.post("/employer/vacancies", data={"title": title})).headers["location"]
    body = [("title", title), ("description", "Soups"), ("skill", "SQL"), ("kind", "must")]
    answer = await post(boss, path, [*body, ("level", ""), ("action", "publish")])
    assert answer.status_code == 303, answer.text
    return path


async def wrote(anna: httpx.AsyncClient, title: str) -> str:
    """The path of a new published resume with SQL."""
    path = (await anna.post("/resumes", data={"title": title})).headers["location"]
    skill = [("title", title), ("skill", "SQL"), ("level", "4"), ("action", "publish")]
    assert (await post(anna, path, skill)).status_code == 303
    return path


async def test_a_card_is_read_and_shortlisted_and_its_owner_is_notified(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        vacancy = await opened(boss, "Cook")
        public = f"/vacancies/{vacancy.rsplit('/', 1)[1]}"
        await sign_up(anna, "anna@example.org")
        assert "Create a resume to see" in await page(anna, public)
        assert "How you match" not in await page(boss, public)
        draft = (await anna.post("/resumes", data={"title": "Cook"})).headers["location"]
        assert "Publish your resume to see" in await page(anna, public)
        resume = await wrote(anna, "Chef")
        job = {"position": "Cook", "company": "Inn", "start": "2020-03"}
        await anna.post(f"{resume}/experience", data=job)
        assert "No views yet." in await page(anna, resume)

        async def has_come() -> bool:
            return "Inn" in (await boss.get(f"/employer{resume}")).text

        await eventually(has_come)
        fit = (await page(anna, public)).split('class="fit')[1].split("</section>")[0]
        assert re.search(rf'Your resume: <a href="{resume}">Chef</a>', fit), fit
        assert 'class="score' in fit
        assert "Occupation: Cook" in fit, "a position counts for the occupation, too"
        assert 'aria-label="Skills and experience"' in fit
        assert draft not in fit
        assert f'href="/employer{resume}"' in await page(boss, "/employer")
        assert f'href="/employer{resume}"' in await page(boss, "/employer/activity/all")
        card = await page(boss, f"/employer{resume}")
        for shown in ("Chef", "Cook · Inn", "March 2020 – present", "SQL", "Your matching jobs"):
            assert shown in card
        assert "anna@example.org" not in card
        assert re.search(r'href="/companies/[0-9a-f-]+">Acme</a>', await page(anna, resume))

        [match] = (await api(boss, "GET", "/vacancies/recommendations"))["items"]
        kept = await boss.post(
            f"{vacancy}/candidates",
            data={
                "recommendation": match["id"],
                "action": "shortlisted",
                "back": f"/employer{resume}",
            },
        )
        done = f"done=shortlisted&undo=match.{match['id']}.seen"
        assert kept.headers["location"] == f"/employer{resume}?{done}"
        assert "Shortlisted" in await page(boss, f"{vacancy}/candidates")
        assert "Remove from shortlist" in await page(boss, f"/employer{resume}")

        id = vacancy.rsplit("/", 1)[1]
        invited = await boss.post(
            f"{vacancy}/candidates", data={"resumeId": match["resumeId"], "action": "invite"}
        )
        application = invited.headers["location"].split("?")[0]
        for path in (f"/employer{resume}", f"{vacancy}/candidates", "/employer/matches/all"):
            assert f'href="{application}"' in await page(boss, path), path
        assert 'value="invite"' not in await page(boss, f"{vacancy}/candidates")
        assert f'href="{application}"' in await page(anna, "/me/matches/all")
        read = await page(anna, f"/vacancies/{id}")
        assert "Your applications" in read
        assert f'href="{application}"' in read
        assert "with all your published resumes" in read
        assert (await anna.get(f"/employer{resume}")).headers["location"] == "/employer"
        await page(boss, "/employer/resumes/01890000-0000-7000-8000-000000000000", 404)


async def test_few_resumes_are_followed_by_similar_ones(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        await sign_up(anna, "anna@example.org")
        exact = (await wrote(anna, "Кладовщик")).rsplit("/", 1)[1]
        similar = (await wrote(anna, 'Warehouse worker "A & B"')).rsplit("/", 1)[1]

        async def both_are_found() -> bool:
            return bool((await api(boss, "GET", "/vacancies/resumes?sort=date"))["total"] == 2)

        await eventually(both_are_found)
        shown = await page(boss, "/employer/resumes?q=кладовщик")
        assert re.search(r'id="found-head"[^>]*>1 resume<', shown)
        own, more = shown.split('<h2 id="similar">Similar: ')
        assert (f"resume-{exact}" in own, f"resume-{similar}" in own) == (True, False)
        assert (f"resume-{exact}" in more, f"resume-{similar}" in more) == (False, True)
        [exactly] = re.findall(r'href="([^"]*)">Warehouse worker</a>', more)
        shown = await page(boss, exactly.replace("&amp;", "&"))
        assert f"resume-{similar}" in shown
        assert (f"resume-{exact}" in shown, 'id="similar"' in shown) == (False, False)


@pytest.mark.long
async def test_lists_have_pages(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna:
        await hires(boss)
        await sign_up(anna, "anna@example.org")
        resume = await wrote(anna, "Cook")
        vacancies = [await opened(boss, f"Cook {n:02}") for n in range(22)]

        async def all_match() -> bool:
            found = await api(anna, "GET", "/vacancies/recommended?limit=100")
            return len(found["items"]) == len(vacancies)

        await eventually(all_match)
        body = {"resumeId": resume.rsplit("/", 1)[1]}
        for vacancy in vacancies:
            answer = await anna.post(f"/vacancies/{vacancy.rsplit('/', 1)[1]}/apply", data=body)
            assert answer.headers["location"].startswith("/applications/"), answer.text

        for who, path, start in (
            (anna, "/me/matches", r'id="match-'),
            (anna, "/me/applications", r'id="application-'),
            (boss, "/employer/matches", r'id="match-'),
            (boss, "/employer/mine", r'id="mine-'),
        ):
            whole = f"{path}/all"
            seen: list[str] = []
            following: str | None = whole
            while following:
                html = await page(who, following)
                seen += re.findall(start + r"([0-9a-f-]{36})", html)
                more = re.search(rf'rel="next" href="({whole}\?after=[^"]+)"', html)
                following = more[1] if more else None
            assert len(seen) == len(set(seen)) == len(vacancies), path
            await page(who, f"{whole}?after=nonsense", 200 if path == "/employer/mine" else 303)
        part = await anna.get("/me/matches", headers=PART)
        assert "<html" not in part.text
        assert 'href="/me/matches/all?after=' in part.text
        assert (await anna.get("/me/matches")).headers["location"] == "/me/matches/all"
        await page(anna, "/me/nothing/all", 404)
        await page(boss, "/employer/nothing/all", 404)

        stage = await page(boss, f"{vacancies[0]}/board/response")
        assert "Applied: Cook 00" in stage
        await page(boss, f"{vacancies[0]}/board/nothing", 404)
        await page(anna, f"{vacancies[0]}/board", 404)


async def test_descriptions_are_written_as_text(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss:
        await hires(boss)
        path = (await boss.post("/employer/vacancies", data={"title": "Cook"})).headers["location"]
        written = "We cook.\r\n\r\n- soups\r\n- **stews**\r\n\r\n<script>alert(1)</script>"
        both = [("title", "Cook"), ("description", written), ("language", "English")]
        answer = await post(boss, path, [*both, ("languageLevel", "B2"), ("action", "publish")])
        assert answer.status_code == 303, answer.text
        id = path.rsplit("/", 1)[1]
        saved = await api(boss, "GET", f"/vacancies/vacancies/{id}")
        assert "<strong>stews</strong>" in saved["description"]
        assert "script" not in saved["description"]
        assert saved["languages"] == [{"language": "English", "level": "B2"}]
        form = await page(boss, path)
        assert "We cook.\n\n- soups\n- **stews**" in form
        wrong = await post(boss, path, [*both, ("languageLevel", ""), ("salary_min", "lots")])
        assert wrong.status_code == 422
        assert "- **stews**" in wrong.text
        twice = [("language", "english"), ("languageLevel", ""), ("skill", "x" * 201)]
        refused = await post(boss, path, [*both, ("languageLevel", ""), *twice, ("kind", "must")])
        assert refused.status_code == 422


async def test_an_invalid_line_has_its_error_next_to_it(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as anna:
        await sign_up(anna, "anna@example.org")
        path = (await anna.post("/resumes", data={"title": "Cook"})).headers["location"]
        lines = [
            *(("linkUrl", "https://example.org/"), ("linkLabel", "Mine")),
            *(("linkUrl", "nonsense"), ("linkLabel", "")),
        ]
        wrong = await post(anna, path, [("title", "Cook"), *lines, ("action", "save")])
        assert wrong.status_code == 422
        assert re.search(
            r'value="nonsense" aria-invalid="true" aria-describedby="link-1-said"', wrong.text
        )
        assert 'id="link-1-said"' in wrong.text
        assert 'id="link-0-said"' not in wrong.text
        label_alone = [("linkUrl", ""), ("linkLabel", "Nothing typed is dropped")]
        kept = await post(anna, path, [("title", "Cook"), *label_alone])
        assert kept.status_code == 422
        assert "Nothing typed is dropped" in kept.text
        certificate = [("certificateName", "HACCP"), ("certificateIssuer", "State")]
        rest = [("certificateDate", "2020"), ("certificateUrl", "")]
        saved = await post(anna, path, [("title", "Cook"), *lines[:2], *certificate, *rest])
        assert saved.status_code == 303, saved.text
        found = await api(anna, "GET", f"/profiles{path}")
        assert found["links"] == [{"url": "https://example.org/", "label": "Mine"}]
        assert found["certificates"] == [
            {"name": "HACCP", "issuer": "State", "date": "2020", "url": None}
        ]
        await post(anna, path, [("title", "Cook")])  # an earlier form does not have the field
        assert (await api(anna, "GET", f"/profiles{path}"))["links"] == found["links"]


async def test_files_are_cached_and_pages_are_small(platform: Platform) -> None:
    await platform.start("web")
    async with platform.client() as client:
        html = await page(client, "/signup")
        [css] = re.findall(r'href="(/static/visitor\.css\?v=[0-9a-f]+)"', html)
        fixed = await client.get(css)
        assert fixed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert fixed.headers["content-encoding"] == "gzip"
        for other in ("/static/visitor.css", "/static/visitor.css?v=0"):
            assert (await client.get(other)).headers["cache-control"] == "no-cache"
        plain = await client.get("/signup", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["vary"]
        ahead = await client.get(plain.headers["speculation-rules"].strip('"'))
        assert ahead.headers["content-type"] == "application/speculationrules+json"
        [rule] = ahead.json()["prefetch"]
        # Prefetched pages must have no side effects: cards and applications record their viewers.
        assert rule["where"]["href_matches"] == ["/vacancies", "/vacancies/*", "/companies/*"]
