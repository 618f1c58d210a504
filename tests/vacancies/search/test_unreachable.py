"""A board whose search cluster does not answer: what needs no index works."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from hirewire.launcher.process import free_port
from hirewire.vacancies.app import SERVICE
from hirewire.vacancies.search.index.cluster import answers
from hirewire.vacancies.search.index.cluster.answers import Breaker
from hirewire.vacancies.search.index.engine import SearchUnavailable
from tests.services import Running, running
from tests.vacancies.conftest import Person


@pytest.fixture
async def vacancies(fresh_address: str) -> AsyncIterator[Running]:
    away = f"http://127.0.0.1:{free_port()}/away"
    async with running(SERVICE, fresh_address, search_url=away) as service:
        yield service


async def test_without_the_cluster_lists_are_read_from_the_tables(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    for path in ("/vacancies", "/vacancies?workFormat=remote", "/vacancies?mine=true"):
        assert [one["id"] for one in (await anna.call("GET", path))["items"]] == [id], path
    saved = {"name": "Mine", "query": {"q": "backend"}}
    await anna.call("POST", "/searches", saved, expect=201)
    [item] = (await anna.call("GET", "/searches"))["items"]
    assert item["new"] is None
    for path in ("/vacancies?q=backend", "/vacancies?facets=true", "/resumes", "/overview"):
        problem = await anna.call("GET", path, expect=503)
        assert problem["code"] == "search_unavailable", path
        assert "127.0.0.1" not in str(problem)
    answer = await anna.service.client.get("/api/vacancies/vacancies?q=backend")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"


async def test_only_one_search_at_a_time_waits_for_a_cluster_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaker, clock = Breaker(), [100.0]
    monkeypatch.setattr(answers, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    waiting: list[str] = []

    async def ask(name: str, *, is_away: bool) -> None:
        with breaker.asking():
            waiting.append(name)
            await asyncio.sleep(0)
            if is_away:
                raise TimeoutError

    async def outcomes(*names: str, is_away: bool) -> list[type[BaseException] | None]:
        asked = [ask(name, is_away=is_away) for name in names]
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [type(one) if one is not None else None for one in found]

    assert await outcomes("a", "b", is_away=True) == [SearchUnavailable] * 2
    assert await outcomes("c", is_away=False) == [SearchUnavailable]
    clock[0] += 2
    assert await outcomes("d", "e", is_away=True) == [SearchUnavailable] * 2
    clock[0] += 2
    assert await outcomes("f", "g", is_away=False) == [None, SearchUnavailable]
    assert await outcomes("h", "i", is_away=False) == [None, None]
    assert waiting == ["a", "b", "d", "f", "h", "i"]
