"""Segments are merged in a thread while their content changes."""

import asyncio
from uuid import UUID

import numpy as np
import pytest

from hirewire.vacancies.recommendations.asking import skill_codes
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.index import side as side_module
from hirewire.vacancies.recommendations.index.packing import Packed, pack_demand
from hirewire.vacancies.recommendations.index.prefilter import demands_for
from hirewire.vacancies.recommendations.index.reading import demands_from
from hirewire.vacancies.recommendations.index.side import Side


def packed(number: int, *others: str) -> Packed:
    asked = [{"skill": name, "kind": "must"} for name in ("SQL", "Python")]
    asked += [{"skill": name, "kind": "nice"} for name in others]
    row = {"title": "x", "requirements": asked}
    return pack_demand(demand_of(row), id=UUID(int=number), version=1, number=number)


def found(side: Side) -> list[int]:
    offer = offer_of({"skills": [{"name": "SQL"}, {"name": "Python"}]})
    return sorted(
        int(number)
        for segment in side
        for number in segment.numbers[demands_for(segment, offer)].tolist()
    )


@pytest.mark.parametrize("first", [1, 500])
async def test_merging_loses_no_concurrent_change(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(side_module, "LARGEST_MERGED", 4)
    side = Side(demands=True)
    side.change([], [packed(n) for n in range(first)])
    for start in range(first, first + 40, 4):
        side.change([], [packed(n) for n in range(start, start + 4)])
        assert list(side)  # a search
    assert side.is_scattered()
    gathering = asyncio.create_task(side.gather())
    await asyncio.sleep(0)  # it has begun
    assert not side.is_scattered()
    side.change([first], [])
    side.change([first + 5], [packed(first + 5)])
    side.change([10_000], [packed(10_000)])
    side.change([10_000], [packed(10_000)])
    await gathering
    alive = {*range(first + 40), 10_000} - {first}
    assert found(side) == sorted(alive)
    assert len(side) == len(alive)
    assert len(list(side)) <= 5
    side.change([first + 1, first + 5], [])
    assert found(side) == sorted(alive - {first + 1, first + 5})


@pytest.mark.parametrize("largest", [4, 8192])
async def test_skills_that_are_no_longer_required_take_no_memory(
    monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(side_module, "LARGEST_MERGED", largest)  # 4: in a thread
    monkeypatch.setattr(side_module, "MOST_UNUSED", 50)
    side, most = Side(demands=True), 0
    asked: dict[int, str] = {}
    for n in range(600):
        number, skill = n * 7 % 20, f"Skill {n}"
        side.change([number], [packed(number, skill)])
        asked[number] = skill
        assert list(side)  # a search
        if side.is_scattered():
            gathering = asyncio.create_task(side.gather())
            await asyncio.sleep(0)  # it has begun
            side.change([number], [packed(number, skill)])
            assert list(side)
            await gathering
        most = max(most, *(len(segment.codes) for segment in side))
    assert found(side) == sorted(asked)
    kept = {
        number: demand.skills[2].code
        for segment in side
        for number, demand in zip(
            segment.numbers[segment.alive].tolist(),
            demands_from(segment, np.flatnonzero(segment.alive)),
            strict=True,
        )
    }
    assert kept == {number: skill_codes(skill)[0] for number, skill in asked.items()}
    assert most < 300
