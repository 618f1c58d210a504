"""Matching of a changed resume with many open vacancies, and of a vacancy with many resumes.

Measured from the start of the transaction to its commit, with the recommendations and their events
in it, without a broker and an inbox. Processor time is that of this process, without PostgreSQL's:
the better measure on a machine with other work. The board has all trades: ESCO's 91 ICT occupations
and 909 composed of ESCO's skill groups, in 60 towns of different size; a quarter of the vacancies
is remote.

A resume with many matches is bound by the rows that it writes: PostgreSQL alone takes 32 ms to
insert a thousand recommendations and their events, without the rest of the change.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.engine import make_url

from bench import plots
from bench.board import Board, Costs, board
from bench.explain import Explained
from bench.hour import private
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.kit.service import create_app
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import Broker, Message, open_broker
from hirewire.messaging.ids import new_id
from hirewire.vacancies.app import SERVICE

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000,)
AT_MOST = {100_000: 15.0, 1_000_000: 40.0}
RESUMES, QUICK_RESUMES = 100_000, 2_000
BURST, QUICK_BURST = 1_000, 50
BURST_SIZE = 100_000


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Both directions at growing sizes, and a burst."""
    sizes = QUICK_SIZES if options.quick else SIZES
    resumes = options.count(RESUMES, QUICK_RESUMES)
    pair = await bench.pair("matching")
    figures: list[Figure] = []
    costs: dict[int, Costs] = {}
    async with board(pair.reader_url, "forth_vacancies") as one:
        for size in sizes:
            await one.grow(size)
            figures += await _read(one, size)
            before = await one.recommendations()
            costs[size] = await one.resumes_change(options.count(400, 50))
            fitting = (await one.recommendations() - before) / options.count(200, 25)
            figures += _changed(size, costs[size], fitting)
            if size == BURST_SIZE or options.quick:
                count = options.count(BURST, QUICK_BURST)
                taken = await burst(pair.reader_url, bench.broker_url, one, count)
                what = f"{count:,} resumes change twice at once: all matched after"
                figures.append(Figure(what, [taken], "s", at_most=10))
        if options.folder is not None:
            await _explain(one, options.folder)
    async with board(pair.reader_url, "back_vacancies") as other:
        back = await other.vacancies_open(resumes, options.count(300, 50))
        found = await other.recommendations() / options.count(300, 50)
    if options.folder is not None:
        path = options.folder / "matching.png"
        passed = {size: one.passed for size, one in costs.items()}
        plots.sizes(
            path, "matching a changed resume with all vacancies", {"resume changed": passed}, 40
        )
    return [
        *figures,
        Figure(f"vacancy published, {resumes:,} resumes: p50", [percentile(back, 0.5)], "ms"),
        Figure("… p95", [percentile(back, 0.95)], "ms", at_most=20),
        Figure("… recommendations per vacancy, mean", [found], ""),
    ]


async def _read(one: Board, size: int) -> list[Figure]:
    """What a start costs: reading the arrays of all vacancies."""
    before, started = private(os.getpid()), time.perf_counter()
    await one.read_index()
    taken = time.perf_counter() - started
    return [
        Figure(f"arrays of {size:,} vacancies: read in", [taken], "s"),
        Figure(
            "… memory of this process, more than before", [private(os.getpid()) - before], "MiB"
        ),
    ]


def _changed(size: int, costs: Costs, fitting: float) -> list[Figure]:
    passed, worked = costs.passed, costs.worked
    return [
        Figure(f"resume changed, {size:,} vacancies: p50", [percentile(passed, 0.5)], "ms"),
        Figure("… p95", [percentile(passed, 0.95)], "ms", at_most=AT_MOST.get(size)),
        Figure("… processor time: p50", [percentile(worked, 0.5)], "ms"),
        Figure("… processor time: p95", [percentile(worked, 0.95)], "ms"),
        Figure("… recommendations per resume, mean", [fitting], ""),
    ]


async def burst(server: str, broker_url: str, board: Board, count: int) -> float:
    """Seconds from the first publication until the newest version of each resume is matched.

    The service `vacancies` consumes from RabbitMQ, with all its handlers. Each resume comes in two
    versions, all first versions before all second ones.
    """
    prefix = make_url(server).set(database="forth").render_as_string(hide_password=False)
    settings = Settings(database_url=prefix, broker_url=broker_url)
    app = create_app(SERVICE, settings, role="worker")
    broker = open_broker(broker_url, client="bench")
    ids = [new_id() for _ in range(count)]
    snapshots = [board.resume() | {"status": "published"} for _ in range(count)]
    await broker.declare([app.state.messaging.consumer.topology])
    async with app.router.lifespan_context(app):
        await _until_consumed(broker, board, [new_id()], [snapshots[0]], 1)  # the index is loaded
        started = time.perf_counter()
        first = [_message(id, 1, one) for id, one in zip(ids, snapshots, strict=True)]
        await broker.publish(first)
        await _until_consumed(broker, board, ids, snapshots, 2)
        taken = time.perf_counter() - started
    await broker.close()
    return taken


async def _until_consumed(
    broker: Broker,
    board: Board,
    ids: Sequence[UUID],
    snapshots: Sequence[dict[str, Any]],
    version: int,
) -> None:
    """Publish this version of each resume, and wait until it is compared."""
    await broker.publish(
        [_message(*one) for one in zip(ids, [version] * len(ids), snapshots, strict=True)]
    )
    while len(ids) != await board.connection.fetchval(
        "select count(*) from comparable where id = any($1::uuid[]) and version = $2", ids, version
    ):
        await asyncio.sleep(0.02)


def _message(id: UUID, version: int, snapshot: dict[str, Any]) -> Message:
    event = ResumeUpdated(
        user_id=id,
        resume_id=id,
        action="updated",
        version=version,
        resume=ResumeSnapshot.model_validate(snapshot),
    )
    body = event.model_dump_json(by_alias=True).encode()
    return Message(str(new_id()), event.name, event.key, body, {})


async def _explain(one: Board, folder: Path) -> None:
    """Save the plans of one comparison's statements, on the largest board."""
    explained = Explained(one.connection, "matching.md", f"Matching, at {one.count:,} vacancies")
    last = await one.connection.fetchval("select last from generation")
    pairs = await one.connection.fetch(
        "select id, vacancy_id, resume_id, score from recommendation order by id desc limit 100"
    )
    await explained.add("Start of a step", "update generation set last = last + 1 returning last")
    await explained.add(
        "Changes since the arrays were last updated",
        "select kind, number, state = 'open' as open, generation, head, skills, languages, words"
        " from comparable where generation > $1",
        last - 1,
    )
    await explained.add(
        "Previous recommendations",
        "select id, vacancy_id, resume_id, score, strength, resume_version, vacancy_version,"
        " ruleset, withdrawn from recommendation where resume_id = any($1::uuid[])",
        [pairs[0]["resume_id"]],
    )
    await explained.add(
        "A hundred recommendations",
        "insert into recommendation (id, vacancy_id, resume_id, company_id, user_id, score,"
        " strength, resume_version, vacancy_version, ruleset, state, created_at, updated_at)"
        " select gen_random_uuid(), u.vacancy_id, gen_random_uuid(), other.owner_id, $2, u.score,"
        " u.score, 3, 1, 'x', 'new', now(), now()"
        " from unnest($1::uuid[], $3::float8[]) as u(vacancy_id, score)"
        " join comparable other on other.id = u.vacancy_id"
        " returning id, vacancy_id, resume_id, company_id, user_id, score, resume_version,"
        " vacancy_version",
        [row["vacancy_id"] for row in pairs],
        new_id(),
        [row["score"] for row in pairs],
    )
    await explained.add(
        "A hundred that were there",
        "update recommendation r set score = u.score, strength = u.score, resume_version = 4,"
        " vacancy_version = 1, withdrawn = null, updated_at = now()"
        " from unnest($1::uuid[], $2::float8[]) as u(id, score) where r.id = u.id",
        [row["id"] for row in pairs],
        [row["score"] for row in pairs],
    )
    explained.write(folder)
