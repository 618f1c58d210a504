"""Searches with few results are continued with related titles and skills, and say so."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hirewire.esco import dictionary, extend
from hirewire.vacancies.search.index.widening import FEW, related_to
from tests.vacancies.conftest import Person
from tests.vacancies.search.test_search import PAY, Board, asks


@pytest.fixture
async def board(anna: Person) -> Board:
    await anna.hire()
    return Board(anna)


async def widened(board: Board, q: str, **query: Any) -> tuple[list[str], dict[str, str]]:
    """The results of the words themselves, and those of widening with what they were found by."""
    names = {id: name for name, id in board.ids.items()}
    answer = await board.answer(q=q, widen="true", **query)
    found = answer["items"]
    exact = [names[one["id"]] for one in found if one["widened"] is None]
    more = {names[one["id"]]: one["widened"]["name"] for one in found if one["widened"]}
    assert [names[one["id"]] for one in found] == [*exact, *more]  # those of widening come last
    if "after" not in query and answer["next"] is None:
        assert (answer["total"], answer["widenedTotal"]) == (len(exact), len(more))
    return exact, more


async def test_a_title_finds_its_names_in_the_other_language(board: Board) -> None:
    await board.publish("ru", "Кладовщик")
    await board.publish("en", "Warehouse worker (nights)")
    await board.publish("nurse", "Registered nurse, ICU")
    await board.publish("nurse-ru", "Медсестра")
    await board.publish("baker", "Baker")
    await board.ready()

    assert await widened(board, "кладовщик") == (["ru"], {"en": "Warehouse worker"})
    assert await widened(board, "warehouse worker") == (["en"], {"ru": "Кладовщик"})
    assert await widened(board, "nurse") == (["nurse"], {"nurse-ru": "Медсестра"})
    assert await widened(board, "stock handler") == ([], {})
    # The words that a result was found by find it when they are searched for exactly.
    for name, id in (("Warehouse worker", "en"), ("Кладовщик", "ru"), ("Медсестра", "nurse-ru")):
        assert await widened(board, f'"{name}"') == ([id], {})
    # It is only done on request.
    assert await board.found(q="кладовщик") == ["ru"]
    assert [one["widened"] for one in (await board.answer(q="кладовщик"))["items"]] == [None]


async def test_the_same_occupation_comes_before_related_ones_and_near_skills(board: Board) -> None:
    chemistry, biology = "organic chemistry", "inorganic chemistry"
    await board.publish("same", "Медсестра")
    await board.publish("related", "Медсестра процедурная")  # a specialist nurse
    await board.publish("near", "Researcher", requirements=asks(biology))
    await board.publish("skill", "Teacher", requirements=asks(chemistry))
    await board.ready()

    _, more = await widened(board, "nurse")
    assert list(more) == ["same", "related"]  # although the related one is newer
    near = dictionary().near(str(dictionary().find(chemistry)))
    assert dictionary().find(biology) in near
    exact, more = await widened(board, chemistry)
    assert (exact, more) == (["skill"], {"near": biology})
    [found] = [
        one["widened"]
        for one in (await board.answer(q=chemistry, widen="true"))["items"]
        if one["widened"]
    ]
    assert found == {"by": "skill", "name": biology}


async def test_filters_hold_and_counts_are_of_the_words_themselves(board: Board) -> None:
    await board.publish("ru", "Кладовщик", area="Moscow", salary=PAY)
    await board.publish("far", "Warehouse worker", area="Paris", salary=PAY)
    await board.publish("near", "Warehouse worker", area="Moscow", salary=PAY | {"max": 900_000})
    await board.publish("poor", "Warehouse worker", area="Moscow", salary=PAY | {"max": 110_000})
    await board.ready()

    limits = {"area": "Москва", "salaryFrom": 150_000, "currency": "RUB"}
    assert await widened(board, "кладовщик", **limits) == (["ru"], {"near": "Warehouse worker"})
    assert await widened(board, "кладовщик от 500 000") == ([], {"near": "Warehouse worker"})
    assert await widened(board, "кладовщик -worker") == (["ru"], {})
    exact, more = await widened(board, "кладовщик", sort="pay", currency="RUB")
    assert (exact, list(more)) == (["ru"], ["near", "far", "poor"])
    answer = await board.answer(q="кладовщик", widen="true", facets="true")
    assert answer["total"] == 1
    assert [(one["label"], one["count"]) for one in answer["facets"]["area"]] == [("Moscow", 1)]
    assert answer["facets"]["days"][0]["count"] == 1


async def test_enough_results_are_not_widened(board: Board) -> None:
    for number in range(FEW - 1):
        await board.publish(f"ru{number}", "Кладовщик")
    await board.publish("en", "Warehouse worker")
    await board.ready()
    exact, more = await widened(board, "кладовщик")
    assert (len(exact), list(more)) == (FEW - 1, ["en"])

    await board.publish("last", "Кладовщик")
    await board.ready()
    exact, more = await widened(board, "кладовщик")
    assert (len(exact), more) == (FEW, {})


@pytest.mark.parametrize("order", ["relevance", "date", "pay"])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_are_complete_while_vacancies_are_published(
    board: Board, order: str, limit: int
) -> None:
    """Two results of the words, two of the same occupation and two of a related one."""
    for number in range(2):
        pay = PAY | {"max": 200_000 + number % 2}
        await board.publish(f"exact{number}", "Кладовщик", salary=pay)
        await board.publish(f"same{number}", "Warehouse worker", salary=pay)
        await board.publish(f"related{number}", "Докер", salary=pay)
    await board.ready()
    asked: dict[str, Any] = {"q": "кладовщик", "widen": "true", "sort": order, "currency": "RUB"}
    whole = (await board.answer(**asked))["items"]
    before = [one["id"] for one in whole]
    assert [one["widened"] is None for one in whole] == [True] * 2 + [False] * 4

    asked["limit"] = limit
    page = await board.answer(**asked)
    seen = [one["id"] for one in page["items"]]
    while page["next"] is not None:
        if 2 <= len(seen) < 2 + limit:  # only widened results are left
            high = PAY | {"max": 10**7}
            await board.publish("new", "Warehouse worker", salary=high)
            for number in range(FEW):  # the search itself now finds enough
                await board.publish(f"enough{number}", "Кладовщик", salary=high)
            await board.ready()
        page = await board.answer(**asked, after=page["next"])
        seen += [one["id"] for one in page["items"]]
        assert len(seen) <= 7
    # Only a page that had not begun may also have the new one.
    assert [id for id in seen if id != board.ids["new"]] == before
    assert len(seen) == len(set(seen))


HARMLESS = (
    *("a", "к", "-", '"', '""', '"кладовщик', "кладовщик -кладовщик", "-nurse", "от 100 000"),
    *("кладовщик OR *:* AND (", "!@#$%^&*()_", "title:nurse^2~", "\u200b"),
    *("кладовщик " * 20, "nurse:" * 30, "x" * 200),
)


async def test_no_query_fails(board: Board) -> None:
    await board.ready()
    for q in HARMLESS:  # an empty board
        assert (await board.answer(q=q[:200], widen="true"))["widenedTotal"] == 0
    await board.publish("ru", "Кладовщик")
    await board.publish("en", 'Warehouse worker "Night" <b>')
    await board.ready()
    for q in HARMLESS:
        await board.answer(q=q[:200], widen="true", facets="true")
    assert await widened(board, "a") == ([], {})
    assert await widened(board, '"кладовщик') == (["ru"], {})
    assert await widened(board, "кладовщик -warehouse") == (["ru"], {})
    assert (await widened(board, ("кладовщик " * 20)[:200]))[1] == {"en": "Warehouse worker"}


async def test_a_position_belongs_to_its_list(board: Board) -> None:
    await board.publish("ru", "Кладовщик")
    await board.publish("en", "Warehouse worker")
    await board.publish("en2", "Warehouse worker")
    await board.ready()
    page = await board.answer(q="кладовщик", widen="true", limit=2)
    assert [one["widened"] is None for one in page["items"]] == [True, False]
    after = page["next"]
    last = await board.answer(q="кладовщик", widen="true", limit=2, after=after)
    assert [one["widened"] is None for one in last["items"]] == [False]
    assert last["next"] is None
    await board.answer(expect=422, q="кладовщик", limit=2, after=after)
    await board.answer(expect=422, q="кладовщик", widen="true", sort="date", after=after)


async def test_feeds_and_saved_searches_are_not_widened(board: Board, boris: Person) -> None:
    await board.publish("en", "Warehouse worker")
    await board.ready()
    client = board.employer.service.client
    feed = await client.get("/api/vacancies/feeds/vacancies.atom", params={"q": "кладовщик"})
    assert feed.status_code == 200
    assert "<entry>" not in feed.text
    body = {"name": "One", "query": {"q": "кладовщик"}}
    await boris.call("POST", "/searches", body, expect=201)
    await board.publish("en2", "Warehouse worker")
    await board.ready()
    saved = await boris.call("GET", "/searches")
    assert [one["new"] for one in saved["items"]] == [0]


def test_skills_of_an_own_dictionary(tmp_path: Path) -> None:
    """An own skill has its names, which a search knows without widening, but nothing near."""
    file = tmp_path / "skills.csv"
    file.write_text("label,ru,other,skill\nForklift X9,Погрузчик Икс,fx9,\n", encoding="utf-8")
    extend(file)
    try:
        assert not related_to("Погрузчик Икс")
        assert not related_to("fx9")
    finally:
        extend(None)


def test_near_skills_are_of_small_groups() -> None:
    python = str(dictionary().find("Python"))
    assert dictionary().near(python) == ()
    assert dictionary().near("own:nothing") == ()
    near: Sequence[str] = dictionary().near(str(dictionary().find("organic chemistry")))
    assert 0 < len(near) == len(set(near))
    assert all(one != other for one, other in pairwise(near))
