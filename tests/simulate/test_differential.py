"""The model of PostgreSQL compared with PostgreSQL: same scripts, same results."""

import asyncio
import json
from datetime import datetime
from random import Random
from typing import Any

import asyncpg
import pytest

from simulate.loop import SeededLoop
from simulate.postgres import claiming, consuming, publishing, reconciling, requests  # noqa: F401
from simulate.postgres.catalogue import NAMED
from simulate.postgres.engine import Database, Table
from simulate.postgres.session import Session
from simulate.postgres.sessions import first_epoch
from simulate.postgres.wire import TABLES
from tests.messaging.conftest import Place, new_place, place  # noqa: F401
from tests.simulate.scripts import NOT_COMPARED, Kept, Step, draw_of, script, text_of

FIRST, SCRIPTS, LENGTH = 0, 20, 60
BLOCKED = "waits for a lock"
# by its own clock, so that the speed of a script does not matter
LATER = "update messaging.outbox set next_attempt_at = 'infinity' where next_attempt_at is not null"


class Model:
    """The model, run step by step."""

    def __init__(self) -> None:
        self.loop = SeededLoop()
        self.db = Database("x", self.loop, Random(1), stalls=0)
        self.db.tables = {name: Table(name) for name in TABLES}
        self.db.put("lineage", 0, first_epoch())
        self.sessions: list[Session] = [Session(self.db, lambda _: None) for _ in range(2)]
        self.kept: dict[str, Any] = {}
        self.answers: list[list[Any]] = [[], []]

    def do(self, step: Step) -> Any:
        session, answers = self.sessions[step.session], self.answers[step.session]
        answers.clear()
        if step.name in ("commit", "rollback"):
            session.finish(commit=step.name == "commit")
            return None
        if step.name == "snapshot":
            self.kept[step.keep] = self.db.snapshot()
            return None
        parameters = tuple(self.kept[p.name] if isinstance(p, Kept) else p for p in step.parameters)
        session.submit(
            NAMED[step.name].body,
            parameters,
            lambda value, good: answers.append(value),
            single=False,
        )
        if step.name == "pipeline._FAILED" and answers:
            for row, values in session.begin().see("outbox"):
                if row.holder is session.transaction and values["next_attempt_at"]:
                    session.begin().write(row, values | {"next_attempt_at": 1e12})
        return self.answer(step.session)

    def answer(self, session: int) -> Any:
        """The result so far."""
        while self.loop._timers:
            self.loop._turn()
        answers = self.answers[session]
        return answers[0] if answers else BLOCKED

    def content(self, table: str) -> list[dict[str, Any]]:
        return self.db.tables[table].committed()


class Real:
    """A PostgreSQL, run step by step."""

    def __init__(self, connections: list[asyncpg.Connection], observer: asyncpg.Connection) -> None:
        self.connections = connections
        self.observer = observer
        self.kept: dict[str, Any] = {}
        self.open = [False, False]
        self.tasks: list[asyncio.Task[Any] | None] = [None, None]

    async def do(self, step: Step) -> Any:
        connection = self.connections[step.session]
        if step.name in ("commit", "rollback"):
            if self.open[step.session]:
                await connection.execute(step.name)
            self.open[step.session] = False
            return None
        if step.name == "snapshot":
            self.kept[step.keep] = await self.observer.fetchval(
                "select pg_current_snapshot()::text"
            )
            return None
        if not self.open[step.session]:
            await connection.execute("begin")
            self.open[step.session] = True
        parameters = tuple(self.kept[p.name] if isinstance(p, Kept) else p for p in step.parameters)
        self.tasks[step.session] = asyncio.create_task(self._run(connection, step, parameters))
        return await self.answer(step.session)

    async def _run(self, connection: asyncpg.Connection, step: Step, parameters: Any) -> Any:
        try:
            rows = await connection.fetch(text_of(step.name), *parameters)
            if step.name == "pipeline._FAILED":
                await connection.execute(LATER + " and position = any($1::bigint[])", parameters[0])
            return rows
        except asyncpg.PostgresError as error:
            return error

    async def answer(self, session: int) -> Any:
        """Its result, or that it waits for a lock."""
        task = self.tasks[session]
        assert task is not None
        pid = self.connections[session].get_server_pid()
        while not task.done():
            await asyncio.wait({task}, timeout=0.002)
            if not task.done() and await self.observer.fetchval(
                "select cardinality(pg_blocking_pids($1)) > 0", pid
            ):
                await asyncio.wait({task}, timeout=0.02)  # a deadlock is detected meanwhile
                if not task.done():
                    return BLOCKED
        return task.result()


def plain(value: Any) -> Any:
    """The comparable part of a result."""
    if isinstance(value, asyncpg.PostgresError):
        return type(value).__name__
    if isinstance(value, list):
        rows = [_row(row) for row in value]
        return sorted(rows, key=repr)
    return value


def _row(row: Any) -> tuple[Any, ...]:
    return tuple(_value(value) for value in (row.values() if hasattr(row, "values") else row))


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return "time"
    if isinstance(value, float) and value % 1:
        return "seconds"
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.loads(value)
    if isinstance(value, str) and value.count(":") == 2:
        return "snapshot"
    return str(value) if type(value).__name__ == "UUID" else value


@pytest.fixture
async def real(place: Place) -> Any:  # noqa: F811
    connections = [await asyncpg.connect(place.url) for _ in range(3)]
    await connections[2].execute("set deadlock_timeout = '5ms'")
    for connection in connections[:2]:
        await connection.execute("set deadlock_timeout = '5ms'")
    yield Real(connections[:2], connections[2])
    for connection in connections:
        await connection.close()


TIMES = (
    *("_at", "_on", "xact", "since", "until", "snapshot", "history", "heard", "first_start"),
    "nth",
)


async def contents(real: Real, model: Model, table: str) -> tuple[Any, Any]:
    found = await real.observer.fetch(f"select * from messaging.{table}")
    names = [n for n in (found[0].keys() if found else []) if not n.endswith(TIMES)]
    theirs = [{n: _value(row[n]) for n in names} for row in found]
    ours = [{n: _value(row.get(n)) for n in names} for row in model.content(table)]
    if table == "job":  # an id that the database generates
        for row in (*theirs, *ours):
            row["id"] = row["id"] if row["kind"] == "replay" else "drawn"
    return sorted(theirs, key=repr), sorted(ours, key=repr)


COMPARED = (
    "counter log outbox inbox open_message progress suspect listener fence fence_heard awaiting "
    "job fence_unsent replay_ended handler job_unsent allowance"
)


async def run_script(real: Real, seed: int, length: int) -> list[str]:
    """Run one script on both; returns the differences."""
    await real.observer.execute(
        "truncate " + ", ".join(f"messaging.{table}" for table in COMPARED.split())
    )
    await real.observer.execute(
        "insert into messaging.lineage (epoch, since, why) values (0, '-infinity', 'first look') "
        "on conflict do nothing"
    )
    for sequence in ("position", "arrival"):
        await real.observer.execute(f"alter sequence messaging.{sequence} restart")
    for connection in real.connections:
        await connection.execute("select pg_advisory_unlock_all()")
    real.open = [False, False]
    model = Model()
    waiting: set[int] = set()
    done: list[str] = []
    for step in script(seed, length):
        if step.session in waiting:
            continue
        other = 1 - step.session
        theirs, ours = plain(await real.do(step)), plain(model.do(step))
        done.append(f"{step.session} {step.name} {step.parameters}")
        if _compared(step) and theirs != ours and not (isinstance(ours, int) and theirs == []):
            return [f"script {seed}", *done, f"PostgreSQL {theirs}", f"model {ours}"]
        if ours == BLOCKED:
            waiting.add(step.session)
        if other in waiting:
            theirs, ours = plain(await real.answer(other)), plain(model.answer(other))
            if theirs != ours and not (isinstance(ours, int) and theirs == []):
                return [f"script {seed}", *done, f"went on: PostgreSQL {theirs}", f"model {ours}"]
            if ours != BLOCKED:
                waiting.discard(other)
    for session in (0, 1):  # sessions that still wait may continue now
        if session not in waiting:
            await real.do(Step(session, "rollback"))
            model.do(Step(session, "rollback"))
    for session in waiting:
        await real.answer(session)
        model.answer(session)
        await real.do(Step(session, "rollback"))
        model.do(Step(session, "rollback"))
    for table in COMPARED.split():
        theirs, ours = await contents(real, model, table)
        if theirs != ours:
            return [f"script {seed}", *done, f"{table}: PostgreSQL {theirs}", f"model {ours}"]
    return []


def _compared(step: Step) -> bool:
    return step.name not in NOT_COMPARED


async def test_the_model_answers_as_postgresql_does(real: Real) -> None:
    for seed in range(FIRST, FIRST + SCRIPTS):
        assert not (differences := await run_script(real, seed, LENGTH)), "\n".join(differences)


def test_every_statement_of_the_model_is_compared() -> None:
    left_out = [name for name in NAMED if draw_of(name) is None and "sim." not in name]
    assert sorted(left_out) == sorted(NOT_COMPARED)
