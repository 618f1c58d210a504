"""Memory of `vacancies`, by part and size, compared with the formula in docs/operations.md.

Each part is built in a separate process, with the allocator settings of production. Only anonymous
memory (`RssAnon`) counts: of a search index's files the machine caches as much as it has room for.
The peak is sampled a hundred times per second while a part is filled again and while it is merged.
Ten thousand vacancies and resumes are generated; larger sizes are copies of them.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from bench import hour, process
from bench.board import COMPARABLE_COLUMNS, Board, Trades, board, packed
from bench.hour import private
from bench.measure import Figure, Options
from bench.places import Bench
from bench.process import Worker
from bench.search import Many
from hirewire.launcher.platform import LIBRARIES
from hirewire.messaging.ids import new_id
from hirewire.vacancies.recommendations.facts import offer_of, ruleset
from hirewire.vacancies.recommendations.index.packing import pack_offer

Kind = Literal["vacancies", "resumes"]
KINDS: tuple[Kind, ...] = ("vacancies", "resumes")
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (1_000, 5_000)
LARGEST_SEARCHED = 100_000
"""The largest search index that is built: larger ones take long, and their size is in files on
disk.
"""
MADE = 10_000
EVERY_SECONDS = 0.01
MIB = 2**20


@dataclass(frozen=True)
class Formula:
    """The peak memory of `vacancies`: docs/operations.md has the formula, compose.yaml follows from
    it.
    """

    base: int = 240
    """MiB: code and dictionaries, both search indexes with their writers, the codes of skills of
    both sides, and work in progress."""
    vacancy: int = 460
    """Bytes per open vacancy."""
    resume: int = 590
    """Bytes per visible resume."""
    merging: float = 1.95
    """Additional memory while a side is merged, as a multiple of its size; one side at a time."""
    encoder: int = 130
    """MiB: the encoder of skills with its vectors, after its first use."""

    def most(self, vacancies: int, resumes: int) -> float:
        """MiB while the larger side is merged."""
        sides = vacancies * self.vacancy / MIB, resumes * self.resume / MIB
        return self.base + self.encoder + sum(sides) + self.merging * max(sides)


FORMULA = Formula()


@dataclass(frozen=True)
class Held:
    """MiB of a process: at rest after a step, and the peak during it."""

    rest: float
    most: float


async def run(bench: Bench, options: Options) -> list[Figure]:
    """The table, or with minutes, the running platform."""
    if options.minutes is not None:
        return await hour.run(bench, options)
    code, figures = await _code()
    pair = await bench.pair("memory")
    searching: dict[Kind, Held] = {}
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        async with board(pair.reader_url, "memory_vacancies") as made:
            rows = Rows(made)
            for size in QUICK_SIZES if options.quick else SIZES:
                arrays: dict[Kind, Held] = {}
                for kind in KINDS:
                    arrays[kind], found = await _matching(rows, kind, size)
                    figures += found
                    if size <= LARGEST_SEARCHED:
                        searching[kind], found = await _search(rows, kind, size, Path(name))
                        figures += found
                figures.append(judged(size, code, arrays, searching))
    return figures


def judged(
    size: int, code: float, arrays: Mapping[Kind, Held], searching: Mapping[Kind, Held]
) -> Figure:
    """Compares the formula with the measurements: all parts at rest, and one at its peak."""
    held = [*arrays.values(), *searching.values()]
    measured = code + sum(one.rest for one in held) + max(one.most - one.rest for one in held)
    allowed = FORMULA.most(size, size) - FORMULA.encoder  # which is not one of these parts
    return Figure(
        f"all, {size:,} vacancies and as many resumes: peak {measured:,.0f} MiB; by the formula",
        [allowed],
        "MiB",
        at_least=measured,
    )


async def _code() -> tuple[float, list[Figure]]:
    """MiB of code and dictionaries together, and by part."""
    async with _holding("code") as worker:
        held = [await step(worker) for _ in range(4)]
    parts = ("code", "dictionary of skills", "occupations and weights", "typeahead")
    before = [0.0, *(one.rest for one in held)]
    return held[-1].rest, [
        Figure(f"{part}: at rest", [one.rest - less], "MiB")
        for part, one, less in zip(parts, held, before, strict=False)
    ]


async def _matching(rows: "Rows", kind: Kind, size: int) -> tuple[Held, list[Figure]]:
    await rows.compared(size, kind)
    async with _holding("matching", rows.url, kind=kind) as worker:
        empty, filled = await step(worker), await step(worker)
        await rows.change()
        merged = await step(worker)
    held = Held(merged.rest - empty.rest, max(filled.most, merged.most) - empty.rest)
    return held, [
        Figure(f"matching, {size:,} {kind}: at rest", [merged.rest - empty.rest], "MiB"),
        Figure("… each", [(merged.rest - empty.rest) * MIB / size], "bytes"),
        Figure("… peak while filled, above rest", [filled.most - filled.rest], "MiB"),
        Figure("… peak while merged", [merged.most - filled.rest], "MiB"),
    ]


async def _search(rows: "Rows", kind: Kind, size: int, folder: Path) -> tuple[Held, list[Figure]]:
    await rows.searched(kind, size)
    place = folder / f"{kind}-{size}"
    async with _holding("search", rows.url, kind=kind, folder=str(place)) as worker:
        empty, made, changed, again = [await step(worker) for _ in range(4)]
    held = Held(
        max(changed.rest, again.rest) - empty.rest, max(made.most, changed.most) - empty.rest
    )
    on_disk = sum(one.stat().st_size for one in place.rglob("*") if one.is_file())
    return held, [
        Figure(f"search, {size:,} {kind}: at rest", [changed.rest - empty.rest], "MiB"),
        Figure("… reopened from its folder", [again.rest - empty.rest], "MiB"),
        Figure("… peak while built", [made.most - empty.rest], "MiB"),
        Figure("… peak while changed and merged", [changed.most - empty.rest], "MiB"),
        Figure("… on disk", [on_disk / MIB], "MiB"),
    ]


@asynccontextmanager
async def _holding(name: str, database: str = "", **options: str) -> AsyncIterator[Worker]:
    nowhere = dict.fromkeys(("BENCH_WRITER", "BENCH_BROKER", "BENCH_QUEUE"), "")
    environment = LIBRARIES | nowhere | {"BENCH_READER": database}
    async with process.worker(name, process.python(name, options), environment) as worker:
        yield worker


async def step(worker: Worker) -> Held:
    """Run the worker's next step."""
    most = 0.0
    await worker.go()
    ending = asyncio.create_task(worker.result(3600))
    while not ending.done():
        with suppress(OSError, RuntimeError):  # it has ended; `ending` reports why
            most = max(most, private(worker.pid))
        await asyncio.wait([ending], timeout=EVERY_SECONDS)
    await ending
    return Held(private(worker.pid), most)


class Rows:
    """The tables, at any size."""

    def __init__(self, made: Board) -> None:
        self._made = made
        self._compared: dict[Kind, list[tuple[Any, ...]]] = {}
        self.url = made.transactions.engine.url.render_as_string(hide_password=False)

    async def compared(self, size: int, *kinds: Kind) -> None:
        """Fill the tables so that this many of each kind are compared, and nothing else."""
        connection = self._made.connection
        await connection.execute("truncate comparable")
        columns = ", ".join((*COMPARABLE_COLUMNS[1:], "owner_id", "generation"))
        for kind in kinds:
            await connection.copy_records_to_table(
                "comparable",
                records=(await self._rows(kind))[:size],
                columns=(*COMPARABLE_COLUMNS, "owner_id", "generation"),
            )
            only = "kind = 'vacancy'" if kind == "vacancies" else "kind = 'resume'"
            await self._again("comparable", "id", columns, size, only)

    async def _rows(self, kind: Kind) -> list[tuple[Any, ...]]:
        """The first rows of `comparable`, which are made once."""
        if kind not in self._compared:
            make = _demands if kind == "vacancies" else _offers
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                loop = asyncio.get_running_loop()
                self._compared[kind] = await loop.run_in_executor(pool, make, MADE)
        return self._compared[kind]

    async def change(self) -> None:
        """Change enough of what is compared that everything is merged again."""
        await self._made.connection.execute(
            "update comparable set generation = generation + 1 where number % 5 < 3"
        )

    async def searched(self, kind: Kind, size: int) -> None:
        """Fill the tables so that this many of one kind can be searched, and nothing else."""
        connection = self._made.connection
        await connection.execute("truncate vacancy, company, resume cascade")
        first = min(size, MADE)
        if kind == "vacancies":
            await Many(self._made).grow(first)
            columns = (
                "company_id, version, status, title, description, requirements, experience,"
                " employment_type, work_format, area, salary, languages, response_letter_required,"
                " created_at, updated_at, published_at"
            )
            await self._again("vacancy", "id", columns, size)
        else:
            await connection.execute(
                "insert into resume (resume_id, user_id, version, state, snapshot, updated_at)"
                " select gen_random_uuid(), gen_random_uuid(), 1, 'visible', snapshot::jsonb, now()"
                " from unnest($1::text[]) as u(snapshot)",
                [json.dumps(_snapshot(self._made)) for _ in range(first)],
            )
            await self._again(
                "resume", "resume_id", "user_id, version, state, snapshot, updated_at", size
            )

    async def _again(
        self, table: str, id: str, columns: str, size: int, only: str = "true"
    ) -> None:
        """Copy rows with new ids up to this number."""
        await self._made.connection.execute(
            f"insert into {table} ({id}, {columns}) select gen_random_uuid(), {columns}"
            f" from {table}, generate_series(1, $1) where {only} limit $2",
            -(-size // MADE),
            max(0, size - MADE),
        )
        await self._made.connection.execute(f"vacuum analyze {table}")


def _demands(count: int) -> list[tuple[Any, ...]]:
    """Rows of `comparable`; called in a separate process."""
    company = new_id()
    return [(*row[1], company, 1) for row in packed(company, 20261128, count)]


def _offers(count: int) -> list[tuple[Any, ...]]:
    trades = Trades(20261128)
    rows = []
    for _ in range(count):
        id = new_id()
        known = pack_offer(offer_of(trades.resume()), id=id, version=1)
        parts = (known.head, known.skills, known.languages, known.words)
        rows.append((id, "resume", 1, "open", ruleset(), *parts, UUID(int=1), 1))
    return rows


def _snapshot(trades: Trades) -> dict[str, Any]:
    """A resume with three jobs and a school."""
    jobs = [
        {"position": trades.resume()["title"], "skills": trades.random.sample(trades.skills, 3)}
        for _ in range(3)
    ]
    school = {"field": trades.random.choice(trades.skills), "level": "higher"}
    return trades.resume() | {"status": "published", "experience": jobs, "education": [school]}
