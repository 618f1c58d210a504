"""Resumes from files, through the pages: imported, shown, and saved again from the editor."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pypdf import PdfReader

from hirewire.web.pages.resume_forms import BLOCKS
from tests.journeys.conftest import Platform
from tests.journeys.forms import MISSING, forms_of, forms_to, whole_editor
from tests.journeys.paging import api, hires, page, post
from tests.profiles.resumes.test_jsonresume import wild, without_nulls

ALL = ("auth", "profiles", "vacancies", "web")
WHOLE: dict[str, Any] = {
    "basics": {
        "name": "Anna",
        "summary": "First\r\n\r\nsecond " + "y" * 12_000,
        "profiles": [{"network": "GitHub", "url": "github.com/anna"}, {"url": "javascript:1"}],
        "location": "Omsk",
    },
    "work": [
        {"name": "Acme\nLtd", "startDate": "0001", "highlights": ["Grew \x0b it", "Two\nlines"]},
        {"position": 7, "startDate": "2019-05-01T00:00:00Z", "endDate": "Present"},
        "a text",
        {"summary": "no name, no dates"},
    ],
    "education": [{"studyType": "BSc", "startDate": "2015", "endDate": "2010"}],
    "skills": ["Go", {"name": "Data", "keywords": ["SQL", 7, "SQL"]}, {"name": "x" * 300}],
    "languages": [
        {"language": "Русский", "fluency": "Родной"},
        {"language": "English", "fluency": "Advanced (C1)"},
        {"language": "Deutsch", "fluency": "Fluent"},
        {"language": "Klingon", "fluency": "so so"},
    ],
    "projects": [{"name": "Hirewire", "description": "A board", "highlights": ["Won", "Lost"]}],
    "volunteer": [{"organization": "Red Cross", "position": "Driver", "highlights": ["Drove"]}],
    "awards": [{"title": "Best <b>", "awarder": "Town", "date": "2020-01-02"}],
    "publications": [{"name": "A paper", "url": "javascript:alert(1)"}],
    "interests": [{"name": "Chess", "keywords": ["Blitz"]}],
    "references": [{"name": "Boss", "reference": "She is good"}],
    "meta": {"theme": "x"},
}
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


def drawn(count: int) -> list[dict[str, Any]]:
    """The same documents in every run."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(wild)
    def draw(document: dict[str, Any]) -> None:
        found.append(document)

    draw()
    return found


async def taken_over(client: Any, document: Any) -> Any:
    sent = json.dumps(document).encode()
    return await client.post(
        "/resumes/import", files={"file": ("x.json", sent, "application/json")}
    )


async def test_whatever_is_imported_is_saved_unchanged_from_the_editor(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        await hires(client)
        taken = 0
        for document in [WHOLE, *drawn(30)]:
            made = await taken_over(client, document)
            assert made.status_code in (201, 303, 422), made.text
            if made.status_code == 422:
                continue
            taken += 1
            [resume] = (await api(client, "GET", "/profiles/resumes?limit=1"))["items"]
            at = f"/resumes/{resume['id']}"
            shown = await page(client, whole_editor(resume))
            paths = {action.partition("#")[0] for action, _ in forms_of(shown)}
            items = [one for one in paths if one.startswith(f"{at}/")]
            assert len(items) == len(resume["experience"]) + len(resume["education"])
            assert len(forms_to(shown, at)) == len(BLOCKS)
            for action in (at, *items):
                for fields in forms_to(shown, action):
                    assert not [name for name, _ in fields if MISSING in name], document
                    saved = await post(client, action, [*fields, ("action", "save")])
                    assert saved.status_code == 303, (action, fields, saved.text)
            exported = await client.get(f"{at}/file.json")
            assert exported.json() == without_nulls(document)
            again = await api(client, "GET", f"/profiles{at}")
            assert {**again, "updatedAt": ""} == {**resume, "updatedAt": ""}
            await post(client, at, [("action", "delete")])
        assert taken > 10


async def test_the_content_of_a_file_is_on_the_pages_and_in_the_pdf(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as client:
        await hires(client)
        nothings: list[Any] = [{}, {"$schema": "x", "properties": {}}, {"title": "We hire"}, []]
        for nothing in nothings:
            refused = await taken_over(client, nothing)
            assert refused.status_code == 422
            assert "no name, experience or education" in refused.text or nothing == []
        assert (await api(client, "GET", "/profiles/resumes"))["items"] == []

        made = await taken_over(client, WHOLE)
        assert made.status_code == 201
        for said in (
            *("#/basics/profiles/1/url", "#/work/0/startDate", "Must be between 1900 and 2100"),
            *("#/work/2", "#/education/0/endDate", "#/languages/3/fluency", "Shortened to"),
        ):
            assert said in made.text
        [resume] = (await api(client, "GET", "/profiles/resumes"))["items"]
        assert resume["title"] is None
        assert [job["company"] for job in resume["experience"]] == ["Acme Ltd", None, None]
        assert [one["level"] for one in resume["languages"]] == ["native", "C1", "C1", None]
        assert resume["links"] == [{"url": "https://github.com/anna", "label": "GitHub"}]
        at = f"/resumes/{resume['id']}"
        assert "Untitled resume" in await page(client, "/me")
        editor = await page(client, at) + await page(client, whole_editor(resume))
        assert "None" not in editor
        assert "javascript:" not in editor
        sections = ("Red Cross", "Drove", "Best &lt;b&gt;", "A paper", "Blitz", "She is good")
        for shown in (*sections, "Untitled resume", "Grew   it", ">Won\nLost<"):
            assert shown in editor, shown

        # Projects and highlights are edited; everything is visible to readers and printed.
        opened = await page(client, whole_editor(resume))
        fields = [one for fields in forms_to(opened, at) for one in fields]
        changed = [one for one in fields if one[0] not in ("title", "projectHighlights")]
        changed += [
            ("title", "Driver"),
            ("projectHighlights", "Won\r\n\r\n Twice "),
            ("skill", "Go"),
        ]
        changed += [("projectHighlights", ""), ("level", "")]
        changed = [one for one in changed if one[0] != "visibility"] + [("visibility", "link")]
        answer = await post(client, at, [*changed, ("action", "publish")])
        assert answer.status_code == 303, answer.text
        exported = (await client.get(f"{at}/file.json")).json()
        assert exported["projects"] == [WHOLE["projects"][0] | {"highlights": ["Won", "Twice"]}]
        assert exported["work"] == WHOLE["work"]
        key = (await api(client, "GET", f"/profiles{at}"))["linkKey"]
        public = await page(client, f"/shared/{key}")
        for shown in (*sections[:-1], "Hirewire", "Twice", "Two lines"):
            assert shown in public, shown
        assert "She is good" not in public
        pdf = PdfReader(BytesIO((await client.get(f"{at}/file.pdf")).content))
        printed = "\n".join(one.extract_text() for one in pdf.pages)
        for shown in (*sections[:2], "Best <b>", *sections[3:], "Twice", "Two lines", "Projects"):
            assert shown in printed, shown
        wrong = [one for one in changed if one[0] != "projectStart"] + [("projectStart", "x")] * 2
        answer = await post(client, at, [*wrong, ("action", "save")])
        assert answer.status_code == 422
        assert "Must be YYYY" in answer.text
