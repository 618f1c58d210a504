"""Searching for vacancies over HTTP, with a real index over a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hirewire.vacancies.search import background
from tests.builders import eventually
from tests.vacancies.conftest import Person

PAY = {"min": 100_000, "max": 200_000, "currency": "RUB", "unit": "MONTH", "gross": True}


def asks(*skills: str) -> list[dict[str, Any]]:
    return [{"skill": skill, "kind": "must", "level": None} for skill in skills]


class Board:
    """Vacancies by short names."""

    def __init__(self, employer: Person) -> None:
        self.employer = employer
        self.ids: dict[str, str] = {}

    async def publish(self, name: str, title: str, **fields: Any) -> None:
        given = {"requirements": [], "description": "<p>Work.</p>", "salary": None} | fields
        self.ids[name] = await self.employer.vacancy(title=title, **given)
        await self.employer.call("POST", f"/vacancies/{self.ids[name]}/publish")

    async def answer(self, *, expect: int = 200, **query: Any) -> Any:
        client = self.employer.service.client
        answer = await client.get("/api/vacancies/vacancies", params=query)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def found(self, **query: Any) -> list[str]:
        names = {id: name for name, id in self.ids.items()}
        return [names[item["id"]] for item in (await self.answer(**query))["items"]]

    async def ready(self) -> None:
        """Wait until everything published can be found."""

        async def all_found() -> bool:
            answer = await self.employer.service.client.get(
                "/api/vacancies/vacancies?sort=date&limit=1"
            )
            return answer.status_code == 200 and answer.json()["total"] == len(self.ids)

        await eventually(all_found)


@pytest.fixture
async def board(anna: Person) -> Board:
    await anna.hire()
    return Board(anna)


async def test_words_in_both_languages(board: Board) -> None:
    await board.publish("py", "Разработчик Python", requirements=asks("Python", "k8s"))
    await board.publish("java", "Java developer", description="<p>We ship <b>services</b>.</p>")
    await board.publish("lead", "Руководитель проектов, всё сам", area="Королёв")
    await board.ready()
    assert await board.found(q="разработчики") == ["py"]
    assert await board.found(q="developers") == ["java"]
    assert await board.found(q="shipping service") == ["java"]
    assert await board.found(q="руководителя -java") == ["lead"]
    assert await board.found(q="королев") == ["lead"]
    assert await board.found(q="все") == ["lead"]
    assert await board.found(q='"руководитель проектов"') == ["lead"]
    assert await board.found(q='"проектов руководитель"') == []
    assert await board.found(q="проектов руководитель") == ["lead"]
    assert await board.found(q="python java") == []
    assert set(await board.found(q="-java")) == {"py", "lead"}


async def test_a_skill_is_found_by_all_its_names(board: Board) -> None:
    await board.publish("ops", "Engineer", requirements=asks("JS"))
    await board.publish("other", "Engineer", requirements=asks("Own Thing 3000"))
    await board.ready()
    for name in ("JavaScript", "javascript", "js"):
        assert await board.found(q=name) == ["ops"], name
        assert await board.found(skill=name) == ["ops"], name
    assert await board.found(skill="own thing-3000") == ["other"]
    assert await board.found(skill=["JS", "Own Thing 3000"]) == []


async def test_vacancies_are_found_by_the_words_people_use(board: Board) -> None:
    omsk = {"area": "Омск"}
    await board.publish("nurse", "Медицинская сестра", area="Санкт-Петербург")
    await board.publish("1c", "Программист 1С", **omsk)
    await board.publish("driver", "Водитель категории В, С", **omsk)
    here = {"requirements": asks("Python"), "workFormat": "hybrid"}
    await board.publish("junior", "Junior Python", salary=PAY, **here)
    backend = here | {"description": "<p>Разработчик. Junior ok, Python is nice.</p>"}
    await board.publish("back", "Senior Backend", **backend)
    await board.publish("far", "Python", workFormat="remote", salary=PAY | {"max": 300_000})
    await board.ready()
    for query, expected in {
        "медсестра": ["nurse"],
        "медицинская сестра питер": ["nurse"],
        "медсестра спб": ["nurse"],
        "1C": ["1c"],  # Latin
        "1с": ["1c"],  # Cyrillic
        "категории B": ["driver"],  # Latin
        "категории в": ["driver"],  # Cyrillic
        "водитель категории C": ["driver"],
        "python remote": ["far"],
        "питон удалёнка": ["far"],
        "python от 250000": ["far"],
        "python от 250 тыс": ["far"],
        "python from 250,000": ["far"],
        "python от 250к remote": ["far"],
        "от 250000": ["far"],
    }.items():
        assert await board.found(q=query) == expected, query
    assert (await board.found(q="джуниор python"))[0] == "junior"
    assert (await board.found(q="питон"))[-1] == "back"
    assert set(await board.found(q="python от 150000")) == {"junior", "far"}
    assert await board.found(q="от 3 лет") == []


async def test_typos_and_the_other_keyboard(board: Board) -> None:
    await board.publish("py", "Программист Python")
    await board.publish("admin", "Administrator")
    await board.ready()
    found = await board.answer(q="administartor")
    assert [item["title"] for item in found["items"]] == ["Administrator"]
    assert found["tolerated"] == ["administartor"]
    switched = await board.answer(q="ghjuhfvvbcn")
    assert [item["title"] for item in switched["items"]] == ["Программист Python"]
    assert switched["corrected"] == {"ghjuhfvvbcn": "программист"}
    assert await board.found(q="pithon") == ["py"]
    assert await board.found(q="xyzzyplugh") == []


async def test_filters_and_facets(board: Board) -> None:
    await board.publish("a", "One", area="Omsk", workFormat="remote", requirements=asks("SQL"))
    await board.publish("b", "One", area="omsk ", workFormat="hybrid", salary=PAY)
    await board.publish("c", "One", area="Tomsk", workFormat="remote", requirements=asks("SQL"))
    own = asks("Tea ceremony", "SQL", "Чайная церемония")
    pay = PAY | {"unit": "YEAR"}
    await board.publish("d", "Two", area=None, workFormat=None, salary=pay, requirements=own)
    await board.ready()
    found = await board.answer(q="two", facets="true")
    named = {bucket["label"]: bucket["value"] for bucket in found["facets"]["skill"]}
    assert named.keys() == {"Tea ceremony", "Чайная церемония", "SQL"}, "as they are written"
    found = await board.answer(skill=[named["Tea ceremony"], "C++"], facets="true")
    assert found["total"] == 0
    assert [(one["label"], one["count"]) for one in found["facets"]["skill"]] == [
        ("Tea ceremony", 0),
        ("C++", 0),
    ]
    found = await board.answer(q="one", workFormat="remote", facets="true")
    assert found["total"] == 2
    facets = {
        name: {bucket["label"].strip(): bucket["count"] for bucket in buckets}
        for name, buckets in found["facets"].items()
    }
    assert facets["workFormat"] == {"remote": 2, "hybrid": 1}
    assert {name.casefold(): count for name, count in facets["area"].items()} == {
        "omsk": 1,
        "tomsk": 1,
    }
    assert facets["company"] == {"Acme": 2}
    assert facets["skill"] == {"SQL": 2}
    assert facets["days"] == {"1": 2, "3": 2, "7": 2, "30": 2}
    assert await board.found(area="OMSK", sort="date") == ["b", "a"]
    assert await board.found(area=["omsk", "tomsk"], workFormat="remote") == ["c", "a"]
    assert await board.found(currency="RUB", salaryFrom=150_000) == ["b"]
    assert await board.found(currency="RUB", sort="pay") == ["b", "d"]
    assert await board.found(days=1, q="two") == ["d"]
    company = found["items"][0]["companyId"]
    assert len(await board.found(company=company, sort="date")) == 4


async def test_highlights_are_safe(board: Board) -> None:
    await board.publish(
        "x",
        "Ёлка <один> Kotlin & more",
        description="<p>Kotlin <script>alert(1)</script> for 5 &lt; 6</p>",
    )
    await board.ready()
    [item] = (await board.answer(q="kotlin елку"))["items"]
    assert (
        item["highlights"]["title"]
        == "<mark>Ёлка</mark> &lt;один&gt; <mark>Kotlin</mark> &amp; more"
    )
    assert item["highlights"]["description"] is None, "the title says why it was found"
    [brief] = (await board.answer(q="kotlin елку", brief="true"))["items"]
    assert brief == item | {"description": None}
    text = "<p>Rust <script>alert(1)</script> for 5 &lt; 6</p>"
    await board.publish("z", "Somebody", description=text)
    await board.publish("y", "(«Ёж») Go!", description=f"<p>{'Long. ' * 100}Swift (end)</p>")
    await board.ready()
    [item] = (await board.answer(q="rust"))["items"]
    assert item["highlights"] == {"title": None, "description": "<mark>Rust</mark> for 5 &lt; 6"}
    [item] = (await board.answer(q="ёж"))["items"]
    assert item["highlights"]["title"] == "(«<mark>Ёж</mark>») Go!"
    [item] = (await board.answer(q="swift"))["items"]
    assert "<mark>Swift</mark>" in item["highlights"]["description"]
    assert len(item["highlights"]["description"]) < 300
    unsearched = (await board.answer(sort="date"))["items"]
    assert [item["highlights"] for item in unsearched] == [None] * len(unsearched) != []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"workFormat": "moon"}, "workFormat"),
        ({"q": "a\x00b"}, "q"),
        ({"salaryFrom": "5"}, "currency"),
        ({"sort": "pay"}, "currency"),
        ({"currency": "rubles"}, "currency"),
        ({"days": "0"}, "days"),
        ({"colour": "red"}, "colour"),
        ({"after": "x", "sort": "date"}, "after"),
    ],
)
async def test_bad_input_names_the_field(board: Board, query: dict[str, Any], pointer: str) -> None:
    await board.ready()
    problem = await board.answer(**query, expect=422)
    assert pointer in str(problem["errors"])


@pytest.mark.parametrize("order", ["date", "relevance", "pay"])
async def test_pages_are_complete(board: Board, order: str) -> None:
    for n in range(9):
        pay = PAY | {"max": 200_000 + n // 3}
        await board.publish(str(n), f"Engineer {'x ' * (n % 3)}", salary=pay)
    # several have the same time: the order must distinguish them
    async with board.employer.service.messaging.transactions() as tx:
        await tx.exec_driver_sql(
            "update vacancy set published_at = date_trunc('hour', now()), title = title || ' moved'"
        )

    async def taken() -> bool:
        answer = await board.employer.service.client.get("/api/vacancies/vacancies?q=moved")
        return answer.status_code == 200 and answer.json()["total"] == 9

    await eventually(taken)
    seen: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = await board.answer(q="engineer", sort=order, currency="RUB", limit=2, **after)
        seen += [item["id"] for item in page["items"]]
        assert page["total"] == 9
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len(seen) == 9
    assert set(seen) == set(board.ids.values())
    if order == "pay":
        assert {seen[0], seen[1], seen[2]} == {board.ids[n] for n in "678"}


async def test_vacancies_that_are_no_longer_open_are_not_found(board: Board) -> None:
    await board.publish("a", "Alpha")
    await board.publish("b", "Alpha")
    await board.ready()
    await board.employer.call("POST", f"/vacancies/{board.ids['a']}/close")
    assert await board.found(q="alpha") == ["b"]  # the rows decide, even before the index knows
    body = {"title": "Beta"}
    await board.employer.call("PATCH", f"/vacancies/{board.ids['b']}", body)

    async def moved() -> bool:
        return await board.found(q="beta") == ["b"] and await board.found(q="alpha") == []

    await eventually(moved)


async def test_the_vacancies_of_the_board_are_counted(board: Board, boris: Person) -> None:
    assert await board.employer.call("GET", "/overview") == {"vacancies": 0, "companies": 0}
    for name in "ab":
        await board.publish(name, "Analyst")
    await boris.hire("Other")
    other = await boris.vacancy()
    await boris.call("POST", f"/vacancies/{other}/publish")
    draft = await boris.vacancy()

    async def counts() -> Any:
        return await boris.call("GET", "/overview")

    await eventually(lambda: _are(counts, {"vacancies": 3, "companies": 2}))
    await boris.call("POST", f"/vacancies/{other}/close")
    await eventually(lambda: _are(counts, {"vacancies": 2, "companies": 1}))
    assert draft


async def _are(counts: Callable[[], Awaitable[Any]], expected: dict[str, int]) -> bool:
    return bool(await counts() == expected)


async def test_saved_searches_show_what_is_new(board: Board, boris: Person) -> None:
    await board.publish("old", "Analyst", area="Omsk")
    await board.ready()
    query = {"q": "analyst", "area": ["omsk"], "sort": "date"}
    saved = await boris.call("POST", "/searches", {"name": "Mine", "query": query}, expect=201)
    assert saved["query"] == query
    assert saved["new"] == 0

    async def new() -> int:
        [item] = (await boris.call("GET", "/searches"))["items"]
        count: int = item["new"]
        return count

    assert await new() == 0
    await board.publish("new", "Analyst", area="Omsk")
    await board.publish("elsewhere", "Analyst", area="Tomsk")
    await board.ready()
    assert await new() == 1
    await boris.call("POST", f"/searches/{saved['id']}/seen")
    assert await new() == 0
    await board.employer.call("DELETE", f"/searches/{saved['id']}", expect=404)
    await boris.call("DELETE", f"/searches/{saved['id']}", expect=204)
    assert (await boris.call("GET", "/searches"))["items"] == []
    bad = {"name": "x", "query": {"workFormat": ["moon"]}}
    problem = await boris.call("POST", "/searches", bad, expect=422)
    assert problem["errors"][0]["pointer"] == "#/query/workFormat/0"


async def test_the_number_of_saved_searches_is_limited(boris: Person) -> None:
    for n in range(100):
        await boris.call("POST", "/searches", {"name": str(n), "query": {}}, expect=201)
    problem = await boris.call("POST", "/searches", {"name": "x", "query": {}}, expect=409)
    assert problem["type"].endswith("too-many-searches")


@pytest.fixture
def _searches_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but searches looks for changes."""

    async def waits(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(background, "follow", waits)


@pytest.mark.usefixtures("_searches_alone")
async def test_whatever_searches_asks_for_changes(board: Board, boris: Person) -> None:
    query = {"q": "analyst", "sort": "date"}
    await boris.call("POST", "/searches", {"name": "Mine", "query": query}, expect=201)

    async def in_feed() -> bool:
        path = "/api/vacancies/feeds/vacancies.atom"
        answer = await board.employer.service.client.get(path)
        return board.ids["one"] in answer.text

    async def is_new() -> bool:
        [item] = (await boris.call("GET", "/searches"))["items"]
        return bool(item["new"] == len(board.ids))

    await board.publish("one", "Analyst")
    await eventually(in_feed)
    await board.publish("two", "Analyst")
    await eventually(is_new)
    await board.publish("three", "Analyst")
    await board.ready()
