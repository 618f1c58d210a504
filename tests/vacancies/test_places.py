"""A place in two languages: found, counted, matched and suggested."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from hirewire.vacancies.feeds.feed import jobs_part
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.rules import Judgement, judge
from tests.builders import eventually
from tests.vacancies.conftest import Person
from tests.vacancies.search.test_resumes import found, say
from tests.vacancies.search.test_search import Board


async def test_a_place_is_found_and_counted_in_both_languages(anna: Person) -> None:
    await anna.hire()
    board = Board(anna)
    here: dict[str, Any] = {"workFormat": None}
    await board.publish("en", "One", area="Yerevan", **here)
    await board.publish("ru", "One", area="Ереван", **here)
    await board.publish("spb", "One", area="Санкт-Петербург", **here)
    await board.publish("away", "One", area="Удалёнка", **here)
    await board.publish("own", "One", area="Qwerty town", **here)
    # without the index, and in one's own list, the tables are queried
    mine = await anna.call("GET", "/vacancies?mine=true&area=EREVAN")
    assert {one["id"] for one in mine["items"]} == {board.ids["en"], board.ids["ru"]}
    await board.ready()
    for area in ("Yerevan", "ереван ", "Erevan", "Ереван, Армения", "geo:616052"):
        assert set(await board.found(area=area)) == {"en", "ru"}, area
    for words in ("yerevan", "ереван", "one ереване", "Erevan"):
        assert set(await board.found(q=words)) == {"en", "ru"}, words
    for words in ("питер", "спб", "Saint Petersburg", "st petersburg", "leningrad"):
        assert await board.found(q=words) == ["spb"], words
    assert await board.found(area=["питер", "QWERTY town"], sort="date") == ["own", "spb"]
    assert await board.found(area="Remote") == await board.found(workFormat="remote") == ["away"]
    assert await board.found(q="remote") == ["away"]
    facets = (await board.answer(q="one", facets="true"))["facets"]
    assert facets["area"][0] == {
        "value": "geo:616052",
        "label": "Yerevan",
        "labelRu": "Ереван",
        "count": 2,
    }
    labels = {(one["label"], one["labelRu"]) for one in facets["area"][1:]}
    assert labels == {("Saint Petersburg", "Санкт-Петербург"), ("Qwerty town", None)}
    assert [(one["value"], one["count"]) for one in facets["workFormat"]] == [("remote", 1)]
    # the typed text is stored unchanged
    assert (await anna.call("GET", f"/vacancies/{board.ids['ru']}"))["area"] == "Ереван"


async def test_resumes_are_found_by_a_place_in_the_other_language(anna: Person) -> None:
    await anna.hire()
    here, away = uuid4(), uuid4()
    await say(anna, here, title="Cook", area="Тбилиси")
    await say(anna, away, title="Cook", area="Remote")

    async def both() -> bool:
        return set(await found(anna, "q=cook")) == {str(here), str(away)}

    await eventually(both)
    assert await found(anna, "q=tbilisi") == await found(anna, "area=Tbilisi") == [str(here)]
    assert await found(anna, "workFormat=remote") == [str(away)]
    facets = (await anna.call("GET", "/resumes?q=cook&facets=true"))["facets"]
    assert [(one["label"], one["labelRu"]) for one in facets["area"]] == [("Tbilisi", "Тбилиси")]


def test_the_same_place_in_two_languages_is_no_conflict() -> None:
    vacancy: dict[str, Any] = {"requirements": [{"skill": "SQL"}], "company_id": None}
    resume: dict[str, Any] = {"skills": [{"name": "SQL"}]}

    def judged(area: str, other: str, **more: Any) -> Judgement:
        return judge(demand_of(vacancy | {"area": area} | more), offer_of(resume | {"area": other}))

    assert judged("Yerevan", "Ереван") == judged("Yerevan", "yerevan ")
    assert not judged("Питер", "St. Petersburg, Russia").conflicts
    assert [term.part for term in judged("Yerevan", "Тбилиси").conflicts] == ["area"]
    assert not judged("Remote", "Ереван").conflicts, "no place, and the work is remote"
    away = judged("удалённо", "remote")
    assert [term.verdict for term in away.terms if term.part == "work_format"] == ["met"]
    hybrid = judged("Remote", "Ереван", work_format="hybrid")
    assert all(term.part != "area" for term in hybrid.terms)


def test_remote_is_no_city_in_the_feed_of_jobs() -> None:
    row: dict[str, Any] = dict.fromkeys(
        ("address", "description", "salary", "employment_type", "work_format", "valid_through")
    )
    row |= {"title": "Cook", "company_name": "Acme", "id": uuid4(), "area": "Удалённо"}
    row |= dict.fromkeys(("published_at", "updated_at"), datetime.now(UTC))
    text = jobs_part("https://jobs.example", "RU", [row])
    assert "<remotetype><![CDATA[Fully remote]]></remotetype>" in text
    assert "<city>" not in text
    assert "<city><![CDATA[Омск]]></city>" in jobs_part("x", "RU", [row | {"area": "Омск"}])


async def test_places_are_suggested_in_both_languages(anna: Person) -> None:
    answer = await anna.service.client.get("/api/vacancies/places", params={"q": "ерев"})
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.json()["items"][0] == {
        "id": "geo:616052",
        "name": "Yerevan",
        "nameRu": "Ереван",
        "country": "Armenia",
        "countryRu": "Армения",
    }
    many = await anna.service.client.get("/api/vacancies/places", params={"q": "s"})
    assert len(many.json()["items"]) == 10
    nothing = await anna.service.client.get("/api/vacancies/places")
    assert nothing.json()["items"] == []
    for wrong in ({"limit": 11}, {"q": "x" * 201}):
        refused = await anna.service.client.get("/api/vacancies/places", params=wrong)
        assert refused.status_code == 422
