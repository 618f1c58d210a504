"""The prefilter keeps every match, in both directions."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.index.codes import Codes
from hirewire.vacancies.recommendations.index.packing import pack_demand, pack_offer
from hirewire.vacancies.recommendations.index.prefilter import demands_for, offers_for
from hirewire.vacancies.recommendations.index.reading import demands_from, offers_from
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.rules import Judgement, judge
from tests.vacancies.recommendations.pairs import resumes, vacancies

some_vacancies = st.lists(vacancies(), min_size=1, max_size=12)
some_resumes = st.lists(resumes(), min_size=1, max_size=12)


def demands(rows: list[dict[str, Any]], codes: Codes) -> Segment:
    packed = [
        pack_demand(demand_of(row), id=UUID(int=nth), version=nth, number=nth)
        for nth, row in enumerate(rows)
    ]
    return Segment.of(packed[::-1], codes, demands=True)


def offers(rows: list[dict[str, Any]], codes: Codes) -> Segment:
    packed = [
        pack_offer(offer_of(row), id=UUID(int=nth), version=nth, number=nth)
        for nth, row in enumerate(rows)
    ]
    return Segment.of(packed, codes, demands=False)


def fitting(judgements: dict[int, Judgement]) -> set[int]:
    return {slot for slot, found in judgements.items() if found.fits}


@settings(max_examples=100)
@given(some_vacancies, some_resumes)
def test_the_prefilter_loses_nothing(
    rows: list[dict[str, Any]], candidates: list[dict[str, Any]]
) -> None:
    codes = Codes()
    asked, offered = demands(rows, codes), offers(candidates, codes)
    read_demands = list(demands_from(asked, np.arange(len(rows))))
    read_offers = list(offers_from(offered, np.arange(len(candidates))))
    for nth, resume in enumerate(candidates):
        offer = offer_of(resume)
        assert read_offers[nth] == offer
        exact = {n: judge(demand_of(row), offer) for n, row in enumerate(rows)}
        through = demands_for(asked, offer).tolist()
        assert len(set(through)) == len(through)
        assert fitting(exact) <= set(through)
    for nth, row in enumerate(rows):
        demand = demand_of(row)
        again = read_demands[nth]
        assert [judge(again, offer_of(r)) for r in candidates] == [
            judge(demand, offer_of(r)) for r in candidates
        ]
        exact = {n: judge(demand, offer_of(resume)) for n, resume in enumerate(candidates)}
        assert fitting(exact) <= set(offers_for(offered, demand).tolist())


@settings(max_examples=100)
@given(some_vacancies, some_vacancies, resumes(), st.data())
def test_merging_changes_nothing(
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    resume: dict[str, Any],
    data: st.DataObject,
) -> None:
    codes = Codes()
    rows = first + second
    whole = demands(rows, codes)
    one = demands(first, codes)
    other = Segment.of(
        [
            pack_demand(demand_of(row), id=UUID(int=n), version=n, number=n)
            for n, row in enumerate(second, len(first))
        ],
        codes,
        demands=True,
    )
    dead = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    for segment in (whole, one, other):
        for number in dead:
            segment.kill(number)
    offer = offer_of(resume)
    found = set(whole.numbers[demands_for(whole, offer)].tolist())
    assert not found & dead
    for kept in (codes, Codes()):
        merged = Segment.merged([one, other], kept, demands=True)
        assert set(merged.numbers[demands_for(merged, offer)].tolist()) == found
        for number in found:
            [read], [same] = (
                demands_from(segment, np.array([segment.slot(number)]))
                for segment in (merged, whole)
            )
            assert read == same


def test_a_later_code_does_not_exclude_matches() -> None:
    codes = Codes()
    row = {"requirements": [{"skill": "Python"}], "languages": [], "company_id": None}
    first = demands([row], codes)
    demands([row | {"requirements": [{"skill": "Newer"}]}], codes)
    offer = offer_of({"skills": [{"name": "Newer"}, {"name": "Python"}]})
    assert demands_for(first, offer).tolist() == [0]


def test_empty_segments() -> None:
    codes = Codes()
    assert demands_for(Segment.of([], codes, demands=True), offer_of({})).tolist() == []
    nothing = demand_of({"requirements": [], "company_id": None})
    assert offers_for(Segment.of([], codes, demands=False), nothing).tolist() == []


@pytest.mark.parametrize("seed", [1, 2])
def test_both_directions_agree_for_a_thousand_each(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = [f"skill {n}" for n in range(24)]

    def some(least: int, most: int) -> list[str]:
        count = int(random.integers(least, most))
        return [names[n] for n in random.choice(24, count, replace=False)]

    rows = [
        {
            "requirements": [
                {"skill": s, "kind": "must" if n < 2 else "nice"} for n, s in enumerate(some(3, 8))
            ]
        }
        for _ in range(300)
    ]
    candidates = [{"skills": [{"name": s} for s in some(5, 12)]} for _ in range(100)]
    codes = Codes()
    asked, offered = demands(rows, codes), offers(candidates, codes)
    slots = np.arange(len(rows))
    assert list(demands_from(asked, slots)) == [demand_of(row) for row in rows], "in parts"
    one_way = {
        (int(v), r)
        for r, resume in enumerate(candidates)
        for v in demands_for(asked, offer_of(resume))
        if judge(demand_of(rows[v]), offer_of(resume)).fits
    }
    other_way = {
        (v, int(r))
        for v, row in enumerate(rows)
        for r in offers_for(offered, demand_of(row))
        if judge(demand_of(row), offer_of(candidates[r])).fits
    }
    assert one_way == other_way
    assert len(one_way) > 10
