"""The simulation: it models the world, is determined by a seed, and finds injected faults."""

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulate import modules
from simulate.history import Outcome, run
from simulate.judge import Fault
from simulate.loop import Host, SeededLoop
from simulate.patches import installed
from simulate.plan import Decision, Plan, draw, load
from simulate.postgres.catalogue import NAMED, Unknown, find, spaced
from simulate.runner import Task, run_many
from simulate.shrink import shrink

ROOT = Path(__file__).resolve().parents[2]
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))
HISTORIES = 30


def simulate(*options: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    """Run the command, which fixes the iteration order of sets itself."""
    return subprocess.run(
        [sys.executable, "-m", "simulate", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_histories_keep_the_promise() -> None:
    total = run_many(Task(1, HISTORIES), jobs=1)
    assert total.histories == HISTORIES
    assert not total.failures, "\n".join(f"{f.seed}: {f.said}" for f in total.failures)


def test_a_seed_decides_everything() -> None:
    one, other = (simulate("--seed", "7", hash_seed=hash_seed) for hash_seed in ("1", "2"))
    assert "digest" in one.stdout
    assert one.stdout == other.stdout


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_regressions_stay_fixed(path: Path) -> None:
    with installed():
        outcome = run(load(path.read_text()))
    assert not outcome.faults, "\n".join(map(str, outcome.faults))


@pytest.mark.parametrize(
    "fault",
    ["commit-unseen", "nobody-promoted", "no-inbox"],
)
def test_an_injected_fault_is_found(fault: str) -> None:
    total = run_many(Task(1, 300, fault=fault), jobs=1, most_failures=1)
    assert total.failures


def test_a_plan_survives_a_file() -> None:
    plan = draw(3)
    assert load(plan.dump()) == plan


def test_a_failing_plan_is_shrunk() -> None:
    plan = Plan(1, "rabbitmq", tuple(Decision(n / 10, f"kind {n}") for n in range(16)))

    def fails(candidate: Plan) -> Outcome:
        kinds = {decision.kind for decision in candidate.decisions}
        bad = {"kind 3", "kind 11"} <= kinds
        return Outcome(candidate, [Fault("lost", "it")] if bad else [])

    found = shrink(plan, {"lost"}, fails=fails)
    assert [decision.kind for decision in found.decisions] == ["kind 3", "kind 11"]


def test_time_passes_without_waiting_and_killed_processes_do_nothing() -> None:
    loop = SeededLoop()
    said: list[str] = []

    async def speak(name: str) -> None:
        for n in range(3):
            await asyncio.sleep(1000)
            said.append(f"{name}{n} at {loop.time():.0f}")
        said.append(f"{name} ends")

    hosts = {name: Host(name) for name in "abc"}
    for name, host in hosts.items():
        loop.spawn(host, speak(name), name)
    loop.happen(1500, setattr, hosts["b"], "alive", False)
    loop.happen(1500, setattr, hosts["c"], "frozen", True)
    loop.happen(5000, loop.thaw, hosts["c"])
    loop.run(lambda: "c ends" in said, 1000)
    loop.close()
    assert [word for word in said if word.startswith("a")] == [
        "a0 at 1000",
        "a1 at 2000",
        "a2 at 3000",
        "a ends",
    ]
    assert [word for word in said if word.startswith("b")] == ["b0 at 1000"]
    assert said[-3:] == ["c1 at 5000", "c2 at 6000", "c ends"]


def test_an_unknown_statement_is_an_error_that_names_it() -> None:
    with pytest.raises(Unknown, match="select 17 from nowhere"):
        find("select 17\n  from nowhere")


MODULES = (
    "rate_limits audit claims consumer batch_handler poison_guard unreadable unresolved "
    "dead_letters "
    "start_attempts barriers handlers cutover inbox requests resolution lanes "
    "lineage subscribers locks outbox pipeline relay replay retries"
)
OF_OPERATORS = {
    *("audit._CHAIN", "audit._ABOUT", "audit._CONSUMED", "audit._ACCEPT", "requests._MATCHING"),
    *("dead_letters._SELECT", "dead_letters._OLDEST", "dead_letters._DEAD", "dead_letters._EDIT"),
    *("cutover._OPEN", "claims._HEADS"),
    *("lineage._UNUSED", "lineage._AHEAD", "lineage._RAISE_UNSENT", "lineage._RENEW_OUTBOX"),
    "lineage._RESTART_REPLAYS",
    "lineage._NEXT_EPOCH",
    *("audit._STATES_OF_GENERATION", "subscribers._LEFT", "subscribers._GIVEN_UP"),
}
"""Constants of statements that no history issues."""


@pytest.mark.parametrize("module", MODULES.split())
def test_every_statement_of_the_core_is_in_the_model(module: str) -> None:
    found = modules.module(module)
    assert found is not None
    constants = {
        f"{module}.{name}"
        for name, value in vars(found).items()
        if isinstance(value, str) and re.match(r"\s*(select|insert|update|delete|with)\s", value)
    }
    assert constants - set(NAMED) - OF_OPERATORS == set()


@pytest.mark.parametrize("module", MODULES.split())
def test_every_statement_within_the_code_is_in_the_model(module: str) -> None:
    found = modules.module(module)
    assert found is not None
    texts = []
    for node in ast.walk(ast.parse(inspect.getsource(found))):
        calls = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if calls and node.func.attr in ("exec_driver_sql", "fetch", "fetchval", "execute"):  # type: ignore[attr-defined]
            first = node.args[0]  # type: ignore[attr-defined]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                texts.append(spaced(first.value))
    known = {spaced(name) for name in NAMED}
    operators = (
        "select state, count(*) as number from messaging.open_message",
        "select subscription, edited_at",
        "delete from messaging.awaiting where queue",
        "select pg_try_advisory_xact_lock",
        "select coalesce(max(epoch), 0) from messaging.lineage",
        "begin",
        "select 1",
    )
    assert [t for t in texts if t not in known and not t.startswith(operators)] == []
