"""`POST /api/profiles/resumes/read`: a draft with its sources, refusals, nothing stored."""

import logging
from uuid import uuid4

import pytest

from tests.profiles.conftest import Person
from tests.profiles.cv.layouts import docx, hh, line, tabs
from tests.profiles.cv.people import ANNA, IRINA


async def read(person: Person, file: bytes, *, expect: int = 200) -> dict:  # type: ignore[type-arg]
    answer = await person.service.client.post(
        "/api/profiles/resumes/read",
        content=file,
        headers=person.service.as_user(person.id) | {"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == expect, answer.text
    found: dict = answer.json()  # type: ignore[type-arg]
    return found


async def test_a_file_becomes_a_draft_that_can_be_imported(anna: Person) -> None:
    draft = await read(anna, hh(IRINA, "name"))
    assert draft["layout"] == "hh"
    assert draft["document"]["basics"]["label"] == "Бухгалтер"
    assert draft["sources"]["/basics/email"] == {"page": 1, "text": IRINA.email}
    assert (await anna.call("GET", "/resumes"))["items"] == []
    assert await anna.events() == []
    made = await anna.call("POST", "/resumes/import", draft["document"], expect=201)
    assert [job["company"] for job in made["experience"]] == [job.company for job in IRINA.jobs]
    assert made["leftOut"] == []
    assert {"language": "Русский", "level": "native"} in made["languages"]


async def test_a_refusal_names_the_file_and_nothing_of_it_is_logged(
    anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await read(anna, tabs(ANNA, "name"))
    problem = await read(anna, b"%PDF-1.7 secret-of-anna", expect=422)
    assert problem["code"] == "bad_file"
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [
        ("#/file", "file_damaged")
    ]
    assert "secret-of-anna" not in caplog.text + str(problem)
    assert ANNA.email not in caplog.text


async def test_anonymous_and_oversized_uploads_are_refused(anna: Person) -> None:
    client = anna.service.client
    assert (await client.post("/api/profiles/resumes/read", content=b"x")).status_code == 401
    await read(anna, b"%PDF-" + bytes(5 * 1024 * 1024), expect=413)


async def test_a_second_concurrent_file_of_one_person_is_refused(
    anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirewire.profiles.cv.process._reading", {anna.id, uuid4()})
    problem = await read(anna, tabs(ANNA, "name"), expect=429)
    assert problem["code"] == "busy_reading"


async def test_levels_are_named_as_a_resume_has_them(anna: Person) -> None:
    file = docx(
        line("Languages"), line("English — Upper intermediate, German (so so)"),
        line("Experience"), line("Baker, Rye Ltd"), line("2018–2020"), line("Baked bread."),
    )  # fmt: skip
    draft = await read(anna, file)
    assert draft["document"]["languages"] == [
        {"language": "English", "fluency": "B2"},
        {"language": "German"},
    ]


async def test_a_strict_import_refuses_what_would_be_left_out(anna: Person) -> None:
    document = {
        "basics": {"label": "x" * 201},
        "work": [
            {"name": "A", "startDate": "2020", "endDate": "2010"},
            {"name": "B", "startDate": "long ago"},
            {"name": "C", "startDate": "spring 2015"},
        ],
        "languages": [{"language": "Dutch", "fluency": "so so"}],
    }
    problem = await anna.call("POST", "/resumes/import?strict=true", document, expect=422)
    assert {(one["pointer"], one["code"]) for one in problem["errors"]} == {
        ("#/basics/label", "string_too_long"),
        ("#/work/0/endDate", "end_before_start"),
        ("#/work/1/startDate", "date_format"),
        ("#/languages/0/fluency", "unknown_level"),
    }
    assert (await anna.call("GET", "/resumes"))["items"] == []
    good = {"work": [{"name": "C", "startDate": "spring 2015"}]}
    made = await anna.call("POST", "/resumes/import?strict=true", good, expect=201)
    assert [one["code"] for one in made["leftOut"]] == ["read_as"]
