"""Counts beside a list equal a plain count over all documents, whatever happened to the index."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from tantivy import Query

from hirewire.vacancies.search.index import execution, facets, ranking, storage
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.facets import FacetCounter
from hirewire.vacancies.search.index.query import SearchFilters, SearchQuery
from hirewire.vacancies.search.index.ranking import FILE, Ranks, columns_of, rare_column
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.index.storage import SearchIndex

WORDS = ("welder", "cook", "night", "шеф")
SKILLS = [f"skill {n}" for n in range(60)]
Documents = dict[str, Document]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few of everything, so that all columns and second passes are used."""
    monkeypatch.setattr(execution, "ALIKE", 2)
    monkeypatch.setattr(facets, "FEW_VALUES", 2)
    monkeypatch.setattr(ranking, "TIERS", (3, 8, 14, 20))
    monkeypatch.setattr(storage, "SAMPLE", 40)


def document(chance: random.Random) -> Document:
    """A random vacancy. Low numbers of skills and companies are the most frequent."""
    skills = {min(int(chance.paretovariate(0.6)), len(SKILLS)) - 1 for _ in range(6)}
    made: Document = {
        "title": " ".join(chance.sample(WORDS, 2)),
        "description": chance.choice(WORDS),
        "skill": [SKILLS[n] for n in sorted(skills)],
        "company": [f"company{int(chance.paretovariate(0.5)) % 40}"],
        "workFormat": [chance.choice(("remote", "hybrid", "on_site"))],
        "time": chance.randrange(50),
    }
    if chance.random() < 0.7:
        made |= {"currency": [chance.choice(("RUB", "EUR"))], "pay": chance.randrange(1, 40)}
    return made


def searches(chance: random.Random) -> Iterator[SearchFilters]:
    """Random questions: with and without words, filters and a lowest pay."""
    for _ in range(8):
        some = {
            "workFormat": chance.sample(("remote", "hybrid"), chance.randint(1, 2)),
            "skill": chance.sample(SKILLS[:5], chance.randint(1, 2)),
            "company": [f"company{chance.randrange(4)}"],
            "currency": ["RUB"],
        }
        chosen = chance.sample(sorted(some), chance.randint(0, 2))
        pay = (chance.randrange(40), None) if chance.random() < 0.2 else None
        words = " ".join(chance.sample(WORDS, chance.randint(0, 2)))
        yield SearchFilters(words, {name: some[name] for name in chosen}, pay=pay)


def matches(one: Document, filters: SearchFilters, without: str | None = None) -> bool:
    """Whether a document is a result, without the filter of one name."""
    text = f"{one['title']} {one['description']}".split()
    if not set(filters.text.split()) <= set(text):
        return False
    if filters.pay is not None and int(str(one.get("pay", -1))) < (filters.pay[0] or 0):
        return False
    for name, values in filters.values.items():
        own = set(one.get(name, ()))  # type: ignore[arg-type]
        enough = set(values) <= own if name == "skill" else bool(set(values) & own)
        if name != without and not enough:
            return False
    return True


def counted(documents: Documents, filters: SearchFilters) -> Mapping[str, Counter[str]]:
    """The facets by a plain count: values of the documents that match all other filters."""
    found = {}
    for name in VACANCIES.facets:
        without = name if name != "skill" else None
        lists = [
            list(one.get(name, ()))  # type: ignore[arg-type]
            for one in documents.values()
            if matches(one, filters, without)
        ]
        found[name] = Counter(str(value) for values in lists for value in values)
    return found


def check(index: SearchIndex, documents: Documents, chance: random.Random) -> None:
    """Totals, pages and counts of random questions are those of the documents."""
    sizes = {**VACANCIES.facets, "skill": 5, "company": 4}
    for filters in searches(chance):
        order = chance.choice(("relevance", "time", "pay"))
        found = index.search(SearchQuery(filters, order=order, facets=sizes, limit=7))  # type: ignore[arg-type]
        right = {id for id, one in documents.items() if matches(one, filters)}
        assert found.total == len(right), filters
        assert {str(id) for id in found.ids} <= right
        if order == "time":
            in_order = sorted(right, key=lambda id: (documents[id]["time"], id), reverse=True)
            assert pages(index, filters, len(right)) == in_order, filters
        expected = counted(documents, filters)
        for name, counts in found.count().facets.items():
            most = [count for _, count in expected[name].most_common(sizes[name])]
            assert [count for _, count in counts] == most, (name, filters)
            assert all(expected[name][value] == count for value, count in counts), (name, filters)


def pages(index: SearchIndex, filters: SearchFilters, total: int) -> list[str]:
    """The ids of all pages of a list by time, each of which says how many there are."""
    found: list[tuple[int, str]] = []
    while True:
        after = found[-1] if found else None
        page = index.search(SearchQuery(filters, order="time", limit=20, after=after))
        assert page.total == total
        found += page.places[:20]
        if len(page.places) <= 20:
            return [id for _, id in found]


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_documents(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    ids = [str(UUID(int=n + 1)) for n in range(150)]
    documents: Documents = {}
    folder = tmp_path if seed % 2 else None
    index = SearchIndex(VACANCIES, folder)
    for turn in range(7):
        changes: dict[str, Document | None] = {}
        for id in chance.sample(ids, chance.choice((5, 60))):
            changes[id] = document(chance) if chance.random() < 0.8 else None
        index.put(changes.items())
        index.commit({"horizon": turn})
        documents = {id: one for id, one in {**documents, **changes}.items() if one is not None}
        if folder is not None and turn % 3 == 2:
            index.close()
            index = SearchIndex(VACANCIES, folder)
            assert index.state["horizon"] == turn
        check(index, documents, chance)
    index.clear()
    index.put(documents.items(), fresh=True)
    index.commit({"horizon": 99})
    check(index, documents, chance)


def test_values_without_a_rank_are_counted_only_if_they_may_be_frequent_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = SearchIndex(VACANCIES)
    often: Document = {"title": "cook", "skill": SKILLS[:5]}
    typed: Document = {"title": "cook", "skill": ["own:juggling"]}
    index.put([(str(UUID(int=n)), often) for n in range(40)], fresh=True)
    index.put([(str(UUID(int=n)), typed) for n in range(40, 45)], fresh=True)
    index.commit({})
    counted: list[str] = []
    numbers = FacetCounter._numbers

    def noted(
        self: FacetCounter, query: Query, columns: Sequence[str], size: int
    ) -> list[tuple[int, str, int]]:
        counted.extend(columns)
        return numbers(self, query, columns, size)

    monkeypatch.setattr(FacetCounter, "_numbers", noted)

    def skills(size: int) -> list[tuple[str, int]]:
        counted.clear()
        return index.search(SearchQuery(facets={"skill": size})).count().facets["skill"]

    assert [count for _, count in skills(2)] == [40, 40]
    assert counted == ["skill_0"]
    assert skills(6)[-1] == ("own:juggling", 5)
    assert rare_column("skill") in counted
    index.put([(str(UUID(int=n)), typed) for n in range(100, 140)], fresh=True)
    index.commit({})
    assert skills(2)[0] == ("own:juggling", 45)


@pytest.mark.parametrize("others", [1, 3])
def test_values_of_a_late_column_that_lead_a_search_are_counted(
    others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "SAMPLE", 1000)
    everywhere: Document = {"title": "baker", "skill": SKILLS[:14]}
    led: Document = {"title": "cook", "skill": SKILLS[20 : 20 + others]}
    documents = [everywhere] * 100 + [{**everywhere, "title": "cook"}] * 6 + [led] * 9
    documents += [{"title": "baker", "skill": SKILLS[30:33]}] * 5
    index = SearchIndex(VACANCIES)
    index.put(((str(UUID(int=n)), one) for n, one in enumerate(documents)), fresh=True)
    index.commit({})
    found = index.search(SearchQuery(SearchFilters("cook"), facets={"skill": 3})).count()
    assert [count for _, count in found.facets["skill"]] == [9] * others + [6] * (3 - others)


def test_bounds_grow_with_the_values_that_are_put() -> None:
    index = SearchIndex(VACANCIES)
    ranked: Document = {"title": "cook", "skill": ["often"]}
    index.put(((str(UUID(int=n)), ranked) for n in range(400)), fresh=True)
    index.commit({})
    measured = index._view[1].bounds
    # None: most of its values
    assert [measured.above(one, 399) for one in columns_of("skill")] == [None, [], [], [], []]
    for n in range(400, 408):
        index.put([(str(UUID(int=n)), {"title": "cook", "skill": ["often", "new", f"own:{n}"]})])
        index.commit({})
        assert index._view[1].bounds is measured
        assert (measured.above("skill_0", n), measured.above("skill_0", n + 1)) == ([0], [])
        rare = rare_column("skill")
        assert (measured.above(rare, n - 400), measured.above(rare, n - 399)) == (None, [])
        found = index.search(SearchQuery(SearchFilters("-baker"), facets={"skill": 2})).count()
        assert found.facets["skill"][0] == ("often", n + 1)
        assert found.facets["skill"][1][1] == n - 399
    index.put([(str(UUID(int=n)), None) for n in range(300)])
    index.put([(str(UUID(int=400)), ranked)])
    index.commit({})
    assert index._view[1].bounds is not measured  # one in fifty was put
    assert index._view[1].bounds.above("skill_0", 108) == []


def test_ranks_are_kept_with_the_index_and_an_index_without_them_is_rebuilt(
    tmp_path: Path,
) -> None:
    chance = random.Random(2)
    index = SearchIndex(VACANCIES, tmp_path)
    index.put(((str(UUID(int=n)), document(chance)) for n in range(45)), fresh=True)
    index.commit({"horizon": 5})
    index.close()
    ranks = Ranks.read(tmp_path, VACANCIES.ranked)
    assert ranks is not None
    assert ranks.of["skill"].values[0] == SKILLS[0]
    assert SearchIndex(VACANCIES, tmp_path).state["horizon"] == 5
    for damage in ("{", "[]", '{"sample": 1}', '{"sample": 40, "values": {}}'):
        (tmp_path / FILE).write_text(damage)
        assert SearchIndex(VACANCIES, tmp_path).state == {}
    (tmp_path / FILE).unlink()
    assert SearchIndex(VACANCIES, tmp_path).state == {}


def test_a_board_that_began_small_is_ranked_again_once_it_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "SAMPLE", 40)
    monkeypatch.setattr(ranking, "OUTGROWN", 2)
    chance = random.Random(2)
    index = SearchIndex(VACANCIES, tmp_path)
    for start, end, state in ((0, 3, 1), (3, 79, 1), (79, 80, None)):
        many = ((str(UUID(int=n)), document(chance)) for n in range(start, end))
        index.put(many, fresh=True)
        index.commit({"horizon": 1})
        index.close()
        del index
        index = SearchIndex(VACANCIES, tmp_path)
        assert index.state.get("horizon") == state


def test_a_rank_decides_the_column() -> None:
    documents: Documents = {str(n): {"skill": ["a", "b"]} for n in range(3)}
    documents |= {"more": {"skill": ["b", "c"]}, "none": {}, "typed": {"skill": ["own:d"] * 9}}
    made = Ranks.learnt(["skill"], documents.values()).of["skill"]
    assert made.values == ("b", "a")  # what occurs once has no rank
    assert made.place("b") == ("skill_0", 0)
    assert made.place("c")[0] == rare_column("skill")
