"""What a process must have done once before it is ready."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hirewire.kit import health
from hirewire.kit.health import Beginning
from hirewire.vacancies.app import SERVICE as VACANCIES


@pytest.fixture
def engine() -> AsyncEngine:
    return create_async_engine("postgresql+asyncpg://nowhere")


def test_what_has_begun_once_is_not_asked_again(engine: AsyncEngine) -> None:
    answers = iter([False, True])
    begun = Beginning({"search": lambda _: next(answers)}, engine)
    assert begun.checks() == {"search": "not ready yet"}
    assert begun.checks() == {}
    assert begun.checks() == {}  # a rebuild later takes no replica away


def test_a_process_that_never_begins_is_ready_in_the_end(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Beginning({"search": lambda _: False}, engine)
    assert begun.checks() == {"search": "not ready yet"}
    monkeypatch.setattr(health, "BEGINNING_SECONDS", -1.0)
    assert Beginning({"search": lambda _: False}, engine).checks() == {}


def test_vacancies_is_ready_once_it_can_search(engine: AsyncEngine) -> None:
    assert not VACANCIES.begun["search"](engine)
