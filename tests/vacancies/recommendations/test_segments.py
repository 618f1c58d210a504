"""Segments are merged in a thread while what is in them changes."""

import asyncio
from uuid import UUID

import pytest

from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.index import side as side_module
from hirewire.vacancies.recommendations.index.codes import Codes
from hirewire.vacancies.recommendations.index.packing import Packed, pack_demand
from hirewire.vacancies.recommendations.index.prefilter import demands_for
from hirewire.vacancies.recommendations.index.side import Side

OFFER = offer_of({"skills": [{"name": "SQL"}, {"name": "Python"}]})


def packed(number: int) -> Packed:
    row = {"title": "x", "requirements": [{"skill": "SQL"}, {"skill": "Python"}]}
    return pack_demand(demand_of(row), id=UUID(int=number), version=1, number=number)


def found(side: Side) -> list[int]:
    return sorted(
        int(number)
        for segment in side
        for number in segment.numbers[demands_for(segment, OFFER)].tolist()
    )


@pytest.mark.parametrize("first", [1, 500])
async def test_gathering_loses_nothing_that_happens_meanwhile(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(side_module, "LARGEST_MERGED", 4)
    side = Side(Codes(), demands=True)
    side.change([], [packed(n) for n in range(first)])
    for start in range(first, first + 40, 4):
        side.change([], [packed(n) for n in range(start, start + 4)])
        assert list(side)  # somebody looks
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
