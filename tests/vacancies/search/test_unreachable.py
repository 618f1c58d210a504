"""A board whose search cluster does not answer: what needs no index works."""

from collections.abc import AsyncIterator

import pytest

from hirewire.launcher.process import free_port
from hirewire.vacancies.app import SERVICE
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
