"""`hirewire events rebuild`, as people use it."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.kit.db import make_engine
from hirewire.launcher.process import free_port, wait_gone
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions
from tests.builders import eventually
from tests.journeys.forked import fork
from tests.launcher.test_cli import environment

PROGRAM = "tests.launcher.with_projection"


class Program:
    """`hirewire` with a projection, over its own databases."""

    def __init__(self, address: str, folder: Path) -> None:
        self.folder = folder
        base = make_url(address)
        self.database = base.render_as_string(hide_password=False)
        names = ("AUTH", "PROFILES", "VACANCIES", "NOTIFICATIONS")
        ports = {f"HIREWIRE_{name}_PORT": str(free_port()) for name in names}
        self.settings = {
            "HIREWIRE_DATABASE_URL": self.database,
            "HIREWIRE_BROKER_URL": f"{self.database}_broker",
            "HIREWIRE_OPERATOR_TOKEN": "a-token-of-operators",
            "HIREWIRE_SECRET_KEY": "a-secret-key-of-32-or-more-letters",
            **ports,
        }
        self.running: list[subprocess.Popen[bytes]] = []

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        log = self.folder / uuid4().hex
        process = self._run(list(arguments), log)
        self.running.append(process)
        assert await wait_gone(process, 100), log.read_text()
        return process.returncode, log.read_text()

    def serve(self, name: str) -> None:
        self.running.append(self._run(["serve", name, "--role", "worker"], self.folder / name))

    def _run(self, arguments: list[str], log: Path) -> "subprocess.Popen[bytes]":
        return fork(arguments, env=environment(**self.settings), log=log, program=PROGRAM)


@pytest.fixture
async def program(fresh_address: str, tmp_path: Path) -> AsyncIterator[Program]:
    made = Program(fresh_address, tmp_path)
    yield made
    for process in made.running:
        process.kill()
    for process in made.running:
        process.wait()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_projection_is_built_again_and_switched(program: Program) -> None:
    rebuild = ("events", "rebuild")
    code, output = await program("migrate")
    assert code == 0, output
    for name in ("auth", "profiles", "vacancies", "notifications"):
        program.serve(name)
    engine = make_engine(f"{program.database}_profiles", pool=1)
    async with Transactions(engine, "profiles")() as tx:
        record(tx, ResumeUpdated(user_id=uuid4(), resume_id=uuid4(), action="deleted"))
    await engine.dispose()
    assert await program(*rebuild, "start", "nothing") == (
        2,
        "hirewire: no projection 'nothing': one of seen\n",
    )
    code, output = await program(*rebuild, "switch", "seen")
    assert (code, output) == (
        1,
        "hirewire: projection seen: nothing is being built; generation 1 is live\n",
    )
    assert await program(*rebuild, "start", "seen") == (
        0,
        "seen: generation 2 of version 1 is being built\n",
    )
    assert (await program(*rebuild, "start", "seen"))[1].endswith("is being built already\n")

    async def switched() -> bool:
        code, output = await program(*rebuild, "switch", "seen")
        assert code == 0 or "has not consumed all of the past" in output, output
        return (code, output) == (0, "seen: generation 2 is live\n")

    await eventually(switched, within=60)
    assert (await program(*rebuild, "switch", "seen", "--generation", "2"))[1].endswith("already\n")
    code, output = await program("events", "audit")
    assert code == 0, output
    for subscriber in ("vacancies", "vacancies@seen-1", "vacancies@seen-2"):
        assert f"profiles -> {subscriber} " in output
    code, output = await program(*rebuild, "status")
    states = [line.split("\u2502")[1:7] for line in output.splitlines() if " seen " in line]
    assert [[cell.strip() for cell in line[2:5]] for line in states] == [
        ["1", "1", "retired"],
        ["2", "1", "live"],
    ], output
    assert await program(*rebuild, "drop", "seen") == (0, "seen: generation 1 dropped\n")
    assert await program(*rebuild, "abandon", "seen") == (
        1,
        "hirewire: projection seen: no generation is building\n",
    )
    code, output = await program("events", "audit")
    assert code == 0, output
    assert "seen-1" not in output
