"""A service is added as CONTRIBUTING.md describes, in a copy of the tree, and started."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hirewire.assembly import PROCESSES
from hirewire.launcher.process import free_port, spawn
from tests.builders import eventually
from tests.services import SECRET_KEY

ROOT = Path(__file__).resolve().parents[2]
ASSEMBLY = "src/hirewire/assembly.py"
LAYERS = "launcher | auth | notifications | profiles | vacancies | "


def blocks() -> dict[str, str]:
    """The files that CONTRIBUTING.md shows, by path."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return dict(re.findall(r"```python\n# (src/\S+)\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources with the service `statistics`."""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    files = blocks()
    imported, listed = files.pop(ASSEMBLY).strip().split("\n\n")
    for path, content in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    for folder in (tmp_path / "src" / "hirewire" / "statistics").rglob("**/"):
        (folder / "__init__.py").touch()
    assembly = (tmp_path / ASSEMBLY).read_text()
    for pattern, line in (
        (r"^(?=from hirewire\.web)", f"{imported}\n"),
        (r"^MANIFESTS = .*", listed),
    ):
        assembly, times = re.subn(pattern, line, assembly, flags=re.MULTILINE)
        assert times == 1
    (tmp_path / ASSEMBLY).write_text(assembly)
    rules = (ROOT / "pyproject.toml").read_text()
    assert LAYERS in rules
    (tmp_path / "pyproject.toml").write_text(rules.replace(LAYERS, f"{LAYERS}statistics | "))
    return tmp_path


def run(tree: Path, program: list[str], **settings: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    done = subprocess.run(
        program,
        cwd=tree,
        env=inherited | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "200"} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def started(tree: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.long
async def test_it_runs_behind_the_gateway_and_consumes(
    tree: Path, started: list[subprocess.Popen[bytes]], fresh_address: str, broker_database: str
) -> None:
    names = ("auth", "statistics", "web")
    ports = {f"HIREWIRE_{n.upper()}_PORT": str(free_port()) for n in (*PROCESSES, "statistics")}
    settings = {
        "HIREWIRE_DATABASE_URL": fresh_address,
        "HIREWIRE_BROKER_URL": broker_database,
        "HIREWIRE_SECRET_KEY": SECRET_KEY,
        **ports,
    }
    hirewire = [sys.executable, "-m", "hirewire"]
    assert "statistics: " in run(tree, [*hirewire, "migrate"], **settings)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    environment = inherited | {"PYTHONPATH": str(tree / "src")} | settings
    log = tree / "log"
    with log.open("wb") as output:
        for name in names:
            argv = [*hirewire, "serve", name]
            started.append(spawn(argv, env=environment, output=output, cwd=tree))
    url = f"http://127.0.0.1:{ports['HIREWIRE_WEB_PORT']}"
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def registered() -> bool:
            body = {"email": "anna@example.org", "password": "correct horse"}
            try:
                return (await client.post("/api/auth/register", json=body)).status_code == 201
            except httpx.ConnectError:
                return False

        async def total() -> object:
            answer = await client.get("/api/statistics/registrations")
            return answer.status_code == 200 and answer.json()["total"]

        await eventually(registered, within=60, what=f"auth answers; {log.read_text()[-2000:]}")
        assert await eventually(total, within=60, what="the event arrives") == 1
        document = await client.get("/api/statistics/openapi.json")
        assert "/api/statistics/registrations" in document.json()["paths"]
        assert "<code>statistics</code>" in (await client.get("/status")).text


def test_it_keeps_the_rules(tree: Path) -> None:
    bin = Path(sys.executable).parent
    assert "0 broken" in run(tree, [str(bin / "lint-imports"), "--no-cache"])
    where = tree / "src" / "hirewire" / "statistics"
    run(tree, [str(bin / "ruff"), "check", "--no-cache", str(where)])
    run(tree, [str(bin / "ruff"), "format", "--no-cache", "--check", str(where)])
    listed = run(tree, [sys.executable, "-m", "hirewire", "events", "catalogue"])
    assert re.search(r"user\.registered\W+auth\W+id\W+profiles, notifications, statistics", listed)
