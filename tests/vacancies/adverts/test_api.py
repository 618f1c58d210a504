"""`POST /api/vacancies/vacancies/read`: a draft with its sources, of which a vacancy is created."""

import logging

import pytest

from tests.vacancies.adverts.seen import NURSE, TESTER
from tests.vacancies.conftest import Person


async def test_an_advert_becomes_a_draft_that_can_be_created(anna: Person) -> None:
    await anna.hire()
    read = await anna.call("POST", "/vacancies/read", {"text": TESTER.text})
    draft, sources = read["vacancy"], read["sources"]
    assert draft["title"] == TESTER.title
    assert draft["salary"] == {
        "min": 120_000,
        "max": 160_000,
        "currency": "RUB",
        "unit": "MONTH",
        "gross": False,
    }
    assert sources["/salary"] == {"line": 3, "text": "120 000 — 160 000 ₽ на руки"}
    assert draft["requirements"][1] == {"skill": "Postman", "kind": "must", "level": None}
    assert sources["/requirements/1"]["text"] == "Postman, Charles, SQL;"
    assert "<li>писать тест-кейсы;</li>" in draft["description"]
    assert (await anna.call("GET", "/vacancies/overview"))["items"] == []
    made = await anna.call("POST", "/vacancies", draft, expect=201)
    assert made["status"] == "draft"
    assert made["description"] == draft["description"]
    assert {one["skill"]: one["kind"] for one in made["requirements"]}["Appium"] == "nice"


async def test_what_is_not_said_is_left_empty(anna: Person) -> None:
    await anna.hire()
    read = await anna.call("POST", "/vacancies/read", {"text": "<b>?</b>"})
    assert read["vacancy"]["salary"] is None
    assert read["vacancy"]["requirements"] == []
    assert "<b>" not in (read["vacancy"]["description"] or "")
    await anna.call("POST", "/vacancies/read", {"text": "x" * 20_001}, expect=422)
    await anna.call("POST", "/vacancies/read", {"text": " "}, expect=422)


async def test_nothing_of_it_is_logged(anna: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await anna.hire()
    await anna.call("POST", "/vacancies/read", {"text": NURSE.text})
    assert "Willowbrook" not in caplog.text
