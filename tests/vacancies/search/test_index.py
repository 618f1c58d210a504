"""The index equals the tables, whatever happens to either."""

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire import esco
from hirewire.kit.db import make_engine
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.operators.search_indexes import deleted_documents
from hirewire.vacancies.recommendations.facts import ruleset
from hirewire.vacancies.search import queries, updating
from hirewire.vacancies.search.background import keep_indexes
from hirewire.vacancies.search.index import storage
from hirewire.vacancies.search.index.documents import micros
from hirewire.vacancies.search.index.embedded import EmbeddedSearch, EmbeddedStore
from hirewire.vacancies.search.index.engine import Lost, indexes_of
from hirewire.vacancies.search.index.folder import Busy, IndexFolder
from hirewire.vacancies.search.index.query import SearchFilters, SearchQuery
from hirewire.vacancies.search.index.schema import VACANCIES, IndexSchema
from hirewire.vacancies.search.index.storage import SearchIndex
from hirewire.vacancies.search.updating import IndexUpdater
from tests.builders import eventually
from tests.services import copy_of_migrated

COMPANY = UUID(int=7)


@pytest.fixture
async def engine(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[AsyncEngine]:
    url = await fresh_database() + "_search"
    await copy_of_migrated(url, "vacancies")
    made = make_engine(url, pool=4, application="tests")
    async with made.begin() as tx:
        await tx.exec_driver_sql(
            "insert into company (id, name, created_at) values ($1, 'Acme', now())", (COMPANY,)
        )
    yield made
    await made.dispose()


async def write(engine: AsyncEngine, id: UUID, title: str, status: str = "published") -> None:
    """Write a vacancy directly into the table."""
    async with engine.begin() as tx:
        await tx.exec_driver_sql(
            "insert into vacancy (id, company_id, version, status, title, requirements, languages,"
            " response_letter_required, created_at, updated_at, published_at)"
            " values ($1, $2, 1, $3, $4, '[]', '[]', false, now(), now(), now())"
            " on conflict (id) do update set status = $3, title = $4",
            (id, COMPANY, status, title),
        )


async def any_history(
    engine: AsyncEngine, updater: IndexUpdater, *, steps: int
) -> dict[str, set[UUID]]:
    """Change vacancies at random while the index follows; returns which are found by each title."""
    chance = random.Random(5)
    ids = [uuid4() for _ in range(12)]
    found: dict[str, set[UUID]] = {"alpha": set(), "beta": set(), "gamma": set()}
    for _ in range(steps):
        id = chance.choice(ids)
        title = chance.choice([*found])
        status = chance.choice(["published", "published", "paused"])
        await write(engine, id, title, status)
        for those in found.values():
            those.discard(id)
        if status == "published":
            found[title].add(id)
        if chance.random() < 0.3:
            await updater.catch_up()
    await updater.catch_up()
    return found


@asynccontextmanager
async def kept(
    engine: AsyncEngine, folder: IndexFolder | None = None, fields: IndexSchema = VACANCIES
) -> AsyncIterator[IndexUpdater]:
    store = EmbeddedStore(fields, engine, folder)
    updater = IndexUpdater(store, Transactions(engine, "vacancies"))
    await updater.open()
    try:
        yield updater
    finally:
        await updater.close()


def index_of(engine: AsyncEngine) -> SearchIndex:
    search = indexes_of(engine)["vacancies"]
    assert isinstance(search, EmbeddedSearch)
    return search.index


def found(engine: AsyncEngine, text: str) -> set[UUID]:
    return set(index_of(engine).search(SearchQuery(SearchFilters(text), limit=100)).ids)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[IndexFolder]:
    made = IndexFolder(tmp_path, "vacancies")
    yield made
    made.close()


async def test_a_restart_continues_with_the_existing_index(
    engine: AsyncEngine, folder: IndexFolder
) -> None:
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")
    async with kept(engine, folder):
        assert found(engine, "alpha") == {one}
    await write(engine, one, "beta")
    await write(engine, two, "alpha")
    made = (folder.path / "index").stat().st_ino
    async with kept(engine, folder):
        assert found(engine, "alpha") == {two}
        assert found(engine, "beta") == {one}
    assert (folder.path / "index").stat().st_ino == made  # the same, not rebuilt


@pytest.mark.parametrize("damage", ["lost", "state", "garbage", "format", "foreign", "future"])
async def test_a_lost_or_damaged_index_is_rebuilt(
    engine: AsyncEngine, folder: IndexFolder, damage: str
) -> None:
    one = uuid4()
    await write(engine, one, "alpha")
    async with kept(engine, folder):
        assert found(engine, "alpha") == {one}
    state = json.loads((folder.path / "state.json").read_text())
    if damage == "lost":
        rmtree(folder.path / "index")
    elif damage == "garbage":
        for path in (folder.path / "index").iterdir():
            path.write_bytes(b"garbage")
    elif damage == "state":
        (folder.path / "state.json").write_text("{")
    else:
        changes: dict[str, dict[str, Any]] = {
            "format": {"format": 0},
            "foreign": {"database": "1/1/1"},
            "future": {"horizon": 2**60},
        }
        (folder.path / "state.json").write_text(json.dumps(state | changes[damage]))
    await write(engine, one, "beta")
    async with kept(engine, folder):
        assert found(engine, "alpha") == set()
        assert found(engine, "beta") == {one}


async def test_an_index_that_vanishes_under_work_is_reported(
    engine: AsyncEngine, folder: IndexFolder
) -> None:
    await write(engine, uuid4(), "alpha")
    async with kept(engine, folder) as updater:
        rmtree(folder.path / "index")
        await write(engine, uuid4(), "alpha")
        with pytest.raises(Lost):
            await updater.catch_up()


async def test_a_service_opens_its_index_again_and_builds_it_from_nothing_only_if_it_was_lost(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = []
    emptied: list[IndexFolder] = []
    catch_up, empty = IndexUpdater.catch_up, IndexFolder.empty

    async def failing(updater: IndexUpdater) -> bool:
        if failures and updater.kind == "vacancies":
            raise failures.pop()
        return await catch_up(updater)

    def noted(folder: IndexFolder) -> None:
        emptied.append(folder)
        empty(folder)

    monkeypatch.setattr(IndexUpdater, "catch_up", failing)
    monkeypatch.setattr(IndexFolder, "empty", noted)
    settings = Settings(search_dir=tmp_path)
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")

    async def finds(*ids: UUID) -> bool:
        is_open = not failures and "vacancies" in indexes_of(engine)
        return is_open and found(engine, "alpha") == set(ids)

    async with keep_indexes(Transactions(engine, "vacancies"), settings):
        await eventually(lambda: finds(one))
        first = index_of(engine)
        failures.append(OSError("the database is away"))
        await eventually(lambda: finds(one))
        await write(engine, two, "alpha")
        await eventually(lambda: finds(one, two))
        assert (index_of(engine), emptied) == (first, []), "it stays in use"
        failures.append(Lost("the files are gone"))

        async def is_open_again() -> bool:
            return await finds(one, two) and index_of(engine) is not first

        await eventually(is_open_again)
        assert len(emptied) == 1
    assert indexes_of(engine) == {}
    for name in ("vacancies", "resumes"):
        again = IndexFolder(tmp_path, name)
        assert again.path == tmp_path / f"{name}-0", "it was unlocked"
        again.close()


async def test_a_late_commit_is_not_missed(engine: AsyncEngine) -> None:
    """A transaction that began before others, and commits after they were read."""
    early, later = uuid4(), uuid4()
    await write(engine, early, "alpha", "draft")
    async with kept(engine) as updater:
        async with engine.connect() as slow, slow.begin():
            await slow.exec_driver_sql(
                "update vacancy set status = 'published' where id = $1", (early,)
            )
            await write(engine, later, "alpha")
            assert await updater.catch_up()
            assert found(engine, "alpha") == {later}
            assert not await updater.catch_up()  # rows that were read are not read again
        assert await updater.catch_up()
        assert found(engine, "alpha") == {early, later}
        assert not await updater.catch_up()


def words_in_files(index: SearchIndex, word: str) -> int:
    """How many documents have the word in the files, deleted ones too."""
    return sum(index._index.searcher().doc_freq(name, word) for name in ("title", "whole_words"))


async def test_after_an_erasure_no_file_of_the_index_has_the_words(
    engine: AsyncEngine, folder: IndexFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "READ_AT_ONCE", 4)
    ids = sorted(uuid4() for _ in range(10))
    for number, id in enumerate(ids):
        await write(engine, id, "zyx" if number in (2, 7) else f"ordinary{number}")

    async def erase(id: UUID) -> None:
        async with engine.begin() as tx:
            await tx.exec_driver_sql(
                "insert into messaging.erased values ($1, $2, now())", (str(uuid4()), uuid4())
            )
            await tx.exec_driver_sql(
                "update vacancy set title = '', status = 'archived' where id = $1", (id,)
            )

    async with kept(engine, folder) as updater:
        assert not await updater.rewrite()
        await erase(ids[2])
        await updater.catch_up()
        assert found(engine, "zyx") == {ids[7]}
        assert words_in_files(index_of(engine), "zyx") == 4  # both, in two fields
        assert deleted_documents(index_of(engine)._index, VACANCIES, "Zyx") == 1
        assert deleted_documents(index_of(engine)._index, VACANCIES, "ordinary9") == 0
        assert await updater.rewrite()
        await erase(ids[7])  # during the rewriting
    async with kept(engine, folder) as updater:  # a restart goes on where it was
        assert await updater.rewrite()
        assert not await updater.rewrite()
        assert found(engine, "zyx") == set()
        assert not await updater.rewrite()  # the pause
        monkeypatch.setattr(updater, "_may_rewrite_at", 0.0)
        while await updater.rewrite():
            pass
        assert words_in_files(index_of(engine), "zyx") == 0
        assert deleted_documents(index_of(engine)._index, VACANCIES, "Zyx") == 0
        assert len(index_of(engine)) == 8
        assert found(engine, "ordinary9") == {ids[9]}
        monkeypatch.setattr(updater, "_may_rewrite_at", 0.0)
        assert not await updater.rewrite()  # nobody more
        await updater.check()


async def test_rows_deleted_directly_are_noticed(engine: AsyncEngine) -> None:
    one = uuid4()
    await write(engine, one, "alpha")
    async with kept(engine) as updater:
        await updater.check()
        async with engine.begin() as tx:
            await tx.exec_driver_sql("delete from vacancy where id = $1", (one,))
        with pytest.raises(Lost, match="1 documents of 0 rows"):
            await updater.check()


async def test_any_history_ends_as_the_tables_are(engine: AsyncEngine) -> None:
    async with kept(engine) as updater:
        for title, ids in (await any_history(engine, updater, steps=120)).items():
            assert found(engine, title) == ids
        await updater.check()


@pytest.mark.parametrize("wide", ["area", "company"])
async def test_counts_are_exact_over_many_segments(engine: AsyncEngine, wide: str) -> None:
    filters = [replace(one, is_open=one.name == wide) for one in VACANCIES.filters]
    fields = replace(VACANCIES, filters=filters)
    chance = random.Random(3)
    areas = [f"Town {n}" for n in range(300)]
    counts: dict[str, int] = {}
    async with kept(engine, fields=fields) as updater:
        for _ in range(6):  # each commit is a segment
            async with engine.begin() as tx:
                for _ in range(400):
                    area = areas[min(int(chance.paretovariate(0.7)), 299)]
                    counts[area] = counts.get(area, 0) + 1
                    await tx.exec_driver_sql(
                        "insert into vacancy (id, company_id, version, status, title, requirements,"
                        " languages, response_letter_required, created_at, updated_at,"
                        " published_at, area) values ($1, $2, 1, 'published', 'x', '[]', '[]',"
                        " false, now(), now(), now(), $3)",
                        (uuid4(), COMPANY, area),
                    )
            await updater.catch_up()
        index = index_of(engine)
        result = index.search(SearchQuery(facets={"area": 20})).count()
        named = [(index.label("area", value), count) for value, count in result.facets["area"]]
    best = sorted(counts.values(), reverse=True)[:20]
    assert [count for _, count in named] == best
    assert all(counts[name] == count for name, count in named)


async def test_recent_vacancies_are_counted_relative_to_now(engine: AsyncEngine) -> None:
    ages = [0, 1, 1, 5, 20, 20, 20, 90]
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    moments = [moment - timedelta(days=age) for age in ages]
    async with kept(engine) as updater:
        for nth, at in enumerate(moments):
            id = uuid4()
            await write(engine, id, "cook" if nth % 2 else "baker")
            async with engine.begin() as tx:
                await tx.exec_driver_sql(
                    "update vacancy set published_at = $2 where id = $1", (id, at)
                )
        await updater.catch_up()
        asked = [moment - timedelta(days=days) for days in (1, 3, 3, 30, 365)]
        for text, chosen in (("", moments), ("cook", moments[1::2]), ("nobody", [])):
            query = SearchQuery(SearchFilters(text), recent=[micros(one) for one in asked])
            counted = index_of(engine).search(query).count()
            assert counted.recent == [sum(at >= one for at in chosen) for one in asked], text
        within = SearchFilters(time=(micros(moments[3]), None))  # counts ignore their own filter
        query = SearchQuery(within, recent=[micros(asked[3])])
        found = index_of(engine).search(query)
        assert (found.total, found.count().recent) == (4, [7])


def test_an_index_that_is_opened_again_after_many_commits_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "REOPEN_AFTER", 3, raising=False)
    index = SearchIndex(VACANCIES, tmp_path)
    everything = SearchQuery(SearchFilters(text="", values={}), order="time", limit=50)
    opened = [index._index]
    for n in range(20):
        gone = [(str(UUID(int=n - 5)), None)] if n >= 5 else []
        index.put([(str(UUID(int=n)), {"title": "welder", "time": n + 1}), *gone])
        before = index.search(everything)  # while the next state is computed
        index.commit({"horizon": n})
        if index._index is not opened[-1]:
            opened.append(index._index)
        ids = [UUID(int=one) for one in range(n, max(-1, n - 5), -1)]
        assert index.search(everything).ids == ids
        assert before.total == min(n, 5)
    assert len(opened) == 7  # an open index caches files only while it is open
    index.close()
    del index, opened
    again = SearchIndex(VACANCIES, tmp_path)
    assert again.state["horizon"] == 19
    assert again.search(everything).ids == [UUID(int=one) for one in range(19, 14, -1)]


def test_no_two_processes_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirewire.vacancies.search.index.folder.MOST_FOLDERS", 2)
    one, two = IndexFolder(tmp_path, "vacancies"), IndexFolder(tmp_path, "vacancies")
    assert one.path != two.path
    with pytest.raises(Busy):
        IndexFolder(tmp_path, "vacancies")
    one.close()
    again = IndexFolder(tmp_path, "vacancies")
    assert again.path == one.path
    again.close()
    two.close()


async def test_an_unprivileged_user_can_identify_the_database(engine: AsyncEngine) -> None:
    async with engine.connect() as tx:
        await tx.exec_driver_sql(f"create role plain_{uuid4().hex[:8]}_reader")
        [role] = (
            await tx.exec_driver_sql("select rolname from pg_roles where rolname like 'plain_%'")
        ).scalars()
        await tx.exec_driver_sql(f"set local role {role}")
        assert (await queries.database_name(tx)).count("/") == 2
        await tx.rollback()


def test_a_changed_dictionary_rebuilds_the_index(tmp_path: Path) -> None:
    additions = tmp_path / "own.csv"
    additions.write_text("label\nTinkerbell\n")
    index = SearchIndex(VACANCIES, tmp_path)
    index.commit({"upto": 7})
    index.close()
    again = SearchIndex(VACANCIES, tmp_path)
    assert again.state["upto"] == 7
    again.close()
    plain = ruleset()
    try:
        esco.extend(additions)
        rebuilt = SearchIndex(VACANCIES, tmp_path)
        assert rebuilt.state == {}
        rebuilt.close()
        assert ruleset() not in (plain, "")
    finally:
        esco.extend(None)
