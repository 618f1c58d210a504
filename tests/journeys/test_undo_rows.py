"""Languages, skills, certificates, links and projects that were removed from a resume come back."""

import asyncio
import json
import re
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from tests.journeys.browsing import DESKTOP, PHONE, UNTIL_STILL, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, page, post, sign_up

PART = {"HX-Request": "true"}
CONTENT: dict[str, Any] = {
    "skills": [{"name": "Python", "level": 4}, {"name": "SQL"}, {"name": "Kafka", "level": 2}],
    "languages": [{"language": "English", "level": "B2"}, {"language": "Русский"}],
    "certificates": [
        {"name": "CKA", "issuer": "CNCF <&'\"", "date": "2024", "url": "https://example.org/cka"},
        {"name": "CKA", "issuer": "Somebody else"},
    ],
    "links": [{"url": "https://example.org/anna", "label": "Site"}],
    "projects": [{"name": "Atlas", "highlights": ["One", "Two"]}, {"name": "Orbit"}],
}
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


def undo_in(html: str) -> dict[str, str]:
    """What the button sends; nothing if there is none."""
    given = dict(re.findall(r'name="(removed|place)" value="([^"]*)"', html))
    return {name: unescape(value) for name, value in given.items()}


def skills(*names: str) -> list[tuple[str, str]]:
    levels = {"Python": "4", "Kafka": "2"}
    rows = [(("skill", name), ("level", levels.get(name, ""))) for name in names]
    return [("block", "skills"), *(pair for row in rows for pair in row)]


async def resume_of(client: httpx.AsyncClient, **content: Any) -> str:
    """The path of a new resume with this content."""
    path: str = (await client.post("/resumes", data={"title": "Cook"})).headers["location"]
    await api(client, "PATCH", f"/profiles{path}", content or CONTENT)
    return path


async def test_removed_rows_come_back_where_they_were(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as client:
        await sign_up(client, "anna@example.org")
        path = await resume_of(client)
        before = await api(client, "GET", f"/profiles{path}")
        empty = {
            "skills": skills("", "SQL", ""),
            "languages": [("block", "languages"), ("language", " "), ("languageLevel", "B2")],
            "certificates": [
                ("block", "certificates"),
                *((f"certificate{one}", "") for one in ("Name", "Issuer", "Date", "Url")),
                *(("certificateName", "CKA"), ("certificateIssuer", "Somebody else")),
                *(("certificateDate", ""), ("certificateUrl", "")),
                *(("linkUrl", ""), ("linkLabel", "")),
            ],
            "projects": [
                ("block", "projects"),
                *((f"project{one}", "") for one in ("Name", "Url", "Start", "End")),
                *(("projectDescription", ""), ("projectHighlights", "")),
            ],
        }
        for block, pairs in empty.items():
            for headers in (PART, {}):
                gone = await post(client, path, pairs, **headers)
                assert gone.status_code == 200, gone.text
                assert ("<html" in gone.text) == (not headers)
                now = await api(client, "GET", f"/profiles{path}")
                assert now[block] != before[block]
                for _ in range(2):  # and the second time nothing is there twice
                    back = await client.post(f"{path}/rows", data=undo_in(gone.text))
                    assert back.headers["location"] == f"{path}?done=undone#{block}"
                    now = await api(client, "GET", f"/profiles{path}")
                    assert {one: now[one] for one in CONTENT} == {
                        one: before[one] for one in CONTENT
                    }


async def test_only_removed_entries_are_offered_and_others_stay_unchanged(
    platform: Platform,
) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as client, platform.client() as other:
        await sign_up(client, "anna@example.org")
        path = await resume_of(client, skills=CONTENT["skills"])

        async def now() -> list[str]:
            saved = await api(client, "GET", f"/profiles{path}")
            return [one["name"] for one in saved["skills"]]

        # Another name, another level, another order and one more are no removals.
        for names in (("Python", "Java", "Kafka"), ("Python", "Kafka", "Java", "SQL")):
            saved = await post(client, path, skills(*names), **PART)
            assert (saved.status_code, undo_in(saved.text)) == (200, {})
        kept = await post(client, path, skills("", "Kafka", "Java", "SQL", "python"), **PART)
        assert undo_in(kept.text) == {}, "it stands in another row"
        plain = await post(client, path, skills("Kafka", "Java", "SQL", "python"))
        assert plain.headers["location"] == f"{path}?done=saved#skills"

        # Since then another tab has added, changed and removed; one row is there again.
        gone = await post(client, path, skills("", "Java", "", "python"), **PART)
        undo = undo_in(gone.text)
        assert await now() == ["Java", "python"]
        await post(other, path, skills("Go"))  # somebody else's session: nothing
        await post(client, path, skills("Rust", "sql"))
        back = await client.post(f"{path}/rows", data=undo)
        assert back.headers["location"] == f"{path}?done=undone#skills"
        assert await now() == ["Kafka", "Rust", "sql"]

        # What another tab added while this form was open is not in it; it comes back as well.
        await post(client, path, skills("Kafka", "Rust", "sql", "Zig"))
        late = await post(client, path, skills("Kafka", "", "sql", "", ""), **PART)
        assert await now() == ["Kafka", "sql"]
        undo = undo_in(late.text)
        answers = await asyncio.gather(*(client.post(f"{path}/rows", data=undo) for _ in range(3)))
        assert {one.status_code for one in answers} == {303}
        assert await now() == ["Kafka", "Rust", "sql", "Zig"]

        await sign_up(other, "oleg@example.org")
        assert (await other.post(f"{path}/rows", data=undo)).status_code == 404
        assert (await client.post(f"/resumes/{uuid4()}/rows", data=undo)).status_code == 404
        for bad in (
            *("", "{}", "[1]", "no", '{"title": [[0, {"name": "X"}]]}', '{"skills": 1}'),
            *('{"skills": [[-1, {"name": "X"}]]}', '{"skills": [["a", {}]]}', "[" * 10_000),
        ):
            answer = await client.post(f"{path}/rows", data={"removed": bad})
            assert answer.status_code == 404, bad
        for refused in ({"name": "X", "level": 9}, {"name": ""}, {"no": "name"}, {"name": [1]}):
            text = json.dumps({"skills": [[0, refused]]})
            answer = await client.post(f"{path}/rows", data={"removed": text})
            assert answer.headers["location"] == f"{path}?done=changed#skills"
        assert await now() == ["Kafka", "Rust", "sql", "Zig"]
        assert (await client.get(f"{path}/rows")).status_code == 405
        await client.post(path, data={"action": "delete"})
        assert (await client.post(f"{path}/rows", data=undo)).status_code == 404


async def test_more_than_a_form_can_send_is_not_offered(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    async with platform.client() as client:
        await sign_up(client, "anna@example.org")
        empty = [("block", "projects")]
        empty += [(f"project{one}", "") for one in ("Name", "Url", "Start", "End")]
        empty += [("projectDescription", ""), ("projectHighlights", "")]
        for count, is_offered in ((16, True), (40, False)):
            projects = [{"name": str(n), "description": "ж" * 10_000} for n in range(count)]
            path = await resume_of(client, projects=projects)
            gone = await post(client, path, empty, **PART)
            assert (gone.status_code, bool(undo_in(gone.text))) == (200, is_offered)
            if is_offered:
                back = await client.post(f"{path}/rows", data=undo_in(gone.text))
                assert back.headers["location"] == f"{path}?done=undone#projects"
            saved = await api(client, "GET", f"/profiles{path}")
            assert len(saved["projects"]) == (count if is_offered else 0)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_in_a_browser_with_and_without_scripts(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    async with platform.client() as anna, browsing(chromium) as browser:
        await sign_up(anna, "anna@example.org")
        path = await resume_of(anna)
        for language, settings in (
            ("en-GB", {"viewport": DESKTOP}),
            ("ru-RU", {"viewport": PHONE, "java_script_enabled": False}),
        ):
            has_scripts = settings.get("java_script_enabled", True)
            who = await Somebody.arrive(browser, url, language, **settings)
            at = who.page
            await at.context.add_cookies(
                [{"name": name, "value": value, "url": url} for name, value in anna.cookies.items()]
            )
            await at.goto(path)
            for block, field in (("skills", "skill"), ("languages", "language")):
                shown = at.locator(f"#{block} > ul.skills > li")
                texts = await shown.all_inner_texts()
                await at.locator(f"#{block}-edit").click()
                if not has_scripts:  # a page scrolls to its block while it is loaded
                    await at.wait_for_url(f"**edit={block}#{block}")
                first = at.locator(f"#{block} input[name={field}]").first
                await first.fill("")
                await at.locator(f"#{block} button[value=save]").click()
                await expect(shown).to_have_count(len(texts) - 1)
                toast = at.locator("#toasts .toast")
                undo = toast.get_by_role("button", name=re.compile("Undo|Отменить"))
                await expect(undo).to_be_in_viewport()
                if has_scripts:
                    await at.evaluate(UNTIL_STILL)
                    assert await who.serious() == []
                assert await at.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                await undo.click()
                await expect(shown).to_have_text([" ".join(text.split()) for text in texts])
                await expect(at.locator("#toasts [role=status]")).to_have_text(
                    re.compile("Undone|Отменено")
                )
                await expect(undo).to_have_count(0)
            assert who.complaints == []
        assert "English" in await page(anna, path)
