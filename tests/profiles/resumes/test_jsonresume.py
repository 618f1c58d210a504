"""JSON Resume import and export: nothing is lost, and an edit changes only what was edited."""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from hirewire.profiles.reading import Part
from hirewire.profiles.resumes import exports, jsonresume
from hirewire.profiles.resumes.commands import EMPTY
from hirewire.profiles.resumes.models import EducationChanges, ExperienceChanges, ResumeChanges
from hirewire.profiles.sections import more
from tests.profiles.conftest import Person

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = Path(os.environ.get("HIREWIRE_TEST_SAMPLES", ROOT.parent / "shared" / "data"))
NAMES = ["career-changer", "new-grad", "sample", "senior-engineer"]

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
lines = words.map(lambda text: Part(text).line() or "x")
dates = st.sampled_from(["2015", "2016-04", "2017-05-06"])
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.sampled_from(
        [
            *(
                "2020-05-06T07:08:09.000Z",
                "0001",
                "2020-13",
                "May 2019",
                "٢٠٢٠",
                "present",
                "03/2019",
            ),
            *(
                "example.com",
                "https://пример.рф/ä b",
                "javascript:alert(1)",
                "data:,x",
                "mailto:a@b.c",
            ),
            *("x" * 300, "line\r\nbreak\x0b\x1f ", "  ", "у" * 20_000, "Advanced (C1)", "Родной"),
        ]
    )
    | words,
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)
wild = st.fixed_dictionaries(
    {},
    optional={
        "basics": anything
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("label", "summary", "location"), anything)
            | {
                "location": st.fixed_dictionaries({}, optional={"city": anything}) | anything,
                "profiles": st.lists(
                    anything
                    | st.fixed_dictionaries({}, optional={"url": anything, "network": anything})
                ),
            },
        ),
    }
    | {
        section: anything
        | st.lists(
            anything | st.fixed_dictionaries({}, optional=dict.fromkeys(members.split(), anything)),
            max_size=4,
        )
        for section, members in {
            "work": "name company position startDate endDate summary highlights",
            "education": "institution area studyType startDate endDate",
            "skills": "name level keywords",
            "languages": "language fluency",
            "certificates": "name date issuer url",
            "projects": "name description url startDate endDate highlights",
            "volunteer": "position organization startDate endDate summary url highlights",
            "publications": "name publisher releaseDate url summary",
            "awards": "title awarder date summary",
            "interests": "name keywords",
            "references": "name reference",
        }.items()
    },
)
"""Documents as faulty programs and people write them: any value anywhere."""
extra = st.dictionaries(st.sampled_from(["x-color", "remarks"]), words | st.integers(), max_size=2)


def entry(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the fields, and unknown ones."""
    known = st.fixed_dictionaries({}, optional=fields)
    return st.tuples(known, extra).map(lambda pair: pair[1] | pair[0])


documents = entry(
    basics=entry(
        name=words,
        label=words,
        email=words,
        summary=words,
        location=entry(city=words, region=words),
        profiles=st.lists(entry(network=words, url=words), max_size=3),
    ),
    work=st.lists(
        entry(
            name=words, company=words, position=words, startDate=dates, highlights=st.lists(words)
        ),
        max_size=3,
    ),
    education=st.lists(
        entry(institution=words, area=words, endDate=dates, score=words), max_size=3
    ),
    skills=st.lists(
        entry(name=words, level=words, keywords=st.lists(words, max_size=3)), max_size=4
    ),
    languages=st.lists(entry(language=words, fluency=words), max_size=3),
    certificates=st.lists(entry(name=words, date=words, issuer=words), max_size=3),
    awards=st.lists(entry(title=words), max_size=2),
)


def imported(document: dict[str, Any]) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """What is stored of a document."""
    resume = EMPTY | jsonresume.resume_fields(document)
    resume["imported"] = exports.without_items(document)
    jobs, studies = (
        [read(part) | {"imported": part.value} for part in jsonresume.items(document, name)]
        for name, read in (
            ("work", jsonresume.experience_fields),
            ("education", jsonresume.education_fields),
        )
    )
    return resume, jobs, studies


# a slow machine is no failure
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_an_import_exports_as_it_was(document: dict[str, Any]) -> None:
    before = deepcopy(document)
    assert exports.export(*imported(document)) == before
    assert document == before


def without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Empty entries are not stored."""
    return document | {
        name: [one for one in document[name] if one is not None]
        for name in ("work", "education")
        if isinstance(document.get(name), list)
    }


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(wild)
@example({"work": [None, [], {}], "education": [None, {"area": "x"}, "y", None]})
@example({"skills": ["Go", {"name": "x", "keywords": ["Go", "Go", 7]}, {"name": "Go"}]})
def test_whatever_is_imported_can_be_saved_unchanged_and_exports_as_it_was(
    document: dict[str, Any],
) -> None:
    before = deepcopy(document)
    resume, jobs, studies = imported(document)
    assert document == before
    assert exports.export(resume, jobs, studies) == without_nulls(before)
    fields = {name: value for name, value in resume.items() if name not in ("imported", "link_key")}
    _saved(ResumeChanges, fields)
    for item in jobs:
        _saved(ExperienceChanges, {n: v for n, v in item.items() if n != "imported"})
    for item in studies:
        _saved(EducationChanges, {n: v for n, v in item.items() if n != "imported"})
    for section in more(document).values():
        assert all(not one["url"] or one["url"].startswith("http") for one in section)


def _saved(kind: type[BaseModel], fields: dict[str, Any]) -> None:
    """The editor sends back what it got, and nothing changes."""
    sent = json.loads(json.dumps({to_camel(name): value for name, value in fields.items()}))
    kept = kind.model_validate(sent).model_dump(mode="json")
    assert {name: kept[name] for name in fields} == fields


@given(documents, lines)
def test_an_edit_of_the_title_changes_the_label_only(document: dict[str, Any], title: str) -> None:
    resume, jobs, studies = imported(document)
    assume(resume["title"] != title)
    resume["title"] = title
    exported = exports.export(resume, jobs, studies)
    assert exported["basics"].pop("label") == title
    expected = deepcopy(document)
    expected.setdefault("basics", {}).pop("label", None)
    assert exported == expected


@given(documents, documents)
def test_what_is_exported_imports_as_it_was(
    document: dict[str, Any], other: dict[str, Any]
) -> None:
    """Fields of one resume over the document of another survive export and import."""
    resume, jobs, studies = imported(document)
    expected = jsonresume.resume_fields(other)
    exported = exports.export(resume | expected, jobs, studies)
    again = jsonresume.resume_fields(exported)
    for name in ("title", "summary", "area"):
        assert again[name] == expected[name]
    assert {s["name"] for s in again["skills"]} == {s["name"] for s in expected["skills"]}


@pytest.mark.parametrize("name", NAMES)
async def test_a_real_resume_comes_back_whole(anna: Person, name: str) -> None:
    path = SAMPLES / "jsonresume" / f"{name}.resume.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not there (HIREWIRE_TEST_SAMPLES names the folder of samples)")
    document = json.loads(path.read_text())
    made = await anna.call("POST", "/resumes/import", document, expect=201)
    at = f"/resumes/{made['id']}"
    assert await anna.call("GET", f"{at}/export") == document
    await anna.call("PATCH", at, {"title": "Another title"})
    expected = deepcopy(document)
    expected["basics"]["label"] = "Another title"
    assert await anna.call("GET", f"{at}/export") == expected
    job = made["experience"][0]["id"]
    await anna.call("PATCH", f"{at}/experience/{job}", {"company": "Renamed"})
    expected["work"][0]["name"] = "Renamed"
    assert await anna.call("GET", f"{at}/export") == expected
    event = (await anna.events())[0].body
    assert event["action"] == "created"
    assert document["basics"]["name"] not in json.dumps(event)
    assert document["basics"]["email"] not in json.dumps(event)


async def test_old_keys_are_read_and_written_back(anna: Person) -> None:
    document = {
        "work": [{"company": "Pied Piper", "website": "http://pp.example", "position": "CTO"}]
    }
    made = await anna.call("POST", "/resumes/import", document, expect=201)
    job = made["experience"][0]
    assert job["company"] == "Pied Piper"
    at = f"/resumes/{made['id']}"
    assert await anna.call("GET", f"{at}/export") == document
    await anna.call("PATCH", f"{at}/experience/{job['id']}", {"company": "Hooli"})
    exported = await anna.call("GET", f"{at}/export")
    assert exported["work"] == [
        {"company": "Hooli", "website": "http://pp.example", "position": "CTO"}
    ]


async def test_a_resume_made_here_exports_and_comes_back(anna: Person) -> None:
    body = {
        "title": "Developer",
        "summary": "Services",
        "area": "Omsk",
        "skills": [{"name": "Go", "level": 3}],
        "languages": [{"language": "Russian", "level": "native"}],
        "links": [{"url": "https://a.example/", "label": "Blog"}],
    }
    made = await anna.call("POST", "/resumes", body, expect=201)
    at = f"/resumes/{made['id']}"
    job = {"company": "Acme", "position": "Dev", "start": "2020", "end": "2021-01"}
    await anna.call("POST", f"{at}/experience", job, expect=201)
    study = {"organization": "ITMO", "level": "BSc", "field": "CS", "endYear": 2014}
    await anna.call("POST", f"{at}/education", study, expect=201)
    exported = await anna.call("GET", f"{at}/export")
    again = await anna.call("POST", "/resumes/import", exported, expect=201)
    for name in (*body, "experience", "education"):
        strip = [
            {k: v for k, v in one.items() if k != "id"} if isinstance(one, dict) else one
            for one in (again[name] if isinstance(again[name], list) else [again[name]])
        ]
        now = await anna.call("GET", at)
        expected = now[name] if isinstance(now[name], list) else [now[name]]
        assert strip == [
            {k: v for k, v in one.items() if k != "id"} if isinstance(one, dict) else one
            for one in expected
        ], name


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"basics": "text"}, "#"),
        ({"work": {}}, "#"),
        ({"work": [{}] * 101}, "#"),
        ({}, "#"),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"work": {}}}, "#"),
        ({"title": "Dev", "description": "We look for", "skills": [{"name": "Go"}]}, "#"),
        ({"name": "root", "projects": [{"name": "a"}], "version": "1"}, "#"),
        ({"x": "a\u0000b"}, "#/x"),
        ({"x": "y" * 100_001}, "#/x"),
    ],
)
async def test_a_document_that_cannot_be_kept_is_refused(
    anna: Person, document: object, pointer: str
) -> None:
    answer = await anna.call("POST", "/resumes/import", document, expect=422)
    assert answer["errors"][0]["pointer"] == pointer
    assert await anna.events() == []


async def test_hostile_json_is_refused(anna: Person) -> None:
    headers = anna.service.as_user(anna.id) | {"Content-Type": "application/json"}
    url = "/api/profiles/resumes/import"
    for content, status in [
        (b"[" * 100_000, 400),
        (b'{"a":' * 50 + b"1" + b"}" * 50, 422),
        (b'{"a": NaN}', 422),
        (b'{"a": 1e999}', 422),
        (b'{"a": ["\\ud800"]}', 422),
        (b"\xff\xfe", 400),
        (b'{"a": [' + b"1," * 100_001 + b"1]}", 422),
        (b"x" * (8 * 1024 * 1024 + 1), 413),
    ]:
        answer = await anna.service.client.post(url, content=content, headers=headers)
        assert answer.status_code == status, (content[:20], answer.text[:200])
    large = json.dumps({"basics": {"name": "Ann"}, "x": ["y" * 90_000] * 60}).encode()
    assert len(large) > 5_000_000
    answer = await anna.service.client.post(url, content=large, headers=headers)
    assert answer.status_code == 201
