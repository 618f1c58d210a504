"""The command line as people use it."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from hirewire import __version__
from hirewire.assembly import PROCESSES, load_settings
from hirewire.cli import main, operations
from hirewire.kit.internal.models import RequestIn
from hirewire.launcher.process import free_port
from hirewire.launcher.state import running_data_dirs
from hirewire.provisioning import why_not_migrated
from tests.builders import eventually
from tests.journeys.forked import fork
from tests.services import copy_of_migrated, create_database

ROOT = Path(__file__).resolve().parents[2]


def environment(**settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    return kept | {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "COLUMNS": "200"} | settings


async def forked(log: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """The same as `hirewire`, as a fork of a process that has loaded the code, which is sooner."""
    process = fork([*arguments], env=environment(**settings), log=log)
    await asyncio.to_thread(process.wait)
    return process.returncode, log.read_text()


async def hirewire(*arguments: str, **settings: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hirewire",
        *arguments,
        env=environment(**settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_version() -> None:
    assert await hirewire("version") == (0, f"hirewire {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "says"),
    [
        (["serve", "auth"], {"HIREWIRE_AUTH_PROT": "1"}, 78, "HIREWIRE_AUTH_PROT is not a setting"),
        (["serve", "auth"], {"HIREWIRE_AUTH_PORT": "x"}, 78, "HIREWIRE_AUTH_PORT"),
        (
            ["serve", "auth"],
            {"HIREWIRE_DATABASE_URL": "postgresql://127.0.0.1:1/x"},
            78,
            "HIREWIRE_SECRET_KEY is not set",
        ),
        (["serve", "nobody"], {}, 2, "no service 'nobody'"),
        (["run", "--only", "nobody"], {}, 2, "no service 'nobody'"),
        (["events", "list"], {}, 78, "HIREWIRE_DATABASE_URL is not set"),
        (["events", "replay"], {}, 2, "give an event id"),
        (["events", "audit", "--since", "99999999999d"], {}, 2, "--since: outside"),
        (["events", "audit", "--since", "0001-01-01T00:00+14:00"], {}, 2, "--since: outside"),
        (["events", "audit", "--since", "1969-12-31"], {}, 2, "--since: before 1970-01-01"),
        (["events", "audit", "--since", "²d"], {}, 2, "--since: not a date"),
        (["events", "trace", "x", "--since", "soon"], {}, 2, "--since: not a date"),
        (["events", "audit", "--wait", "-1"], {}, 2, "must be more than 0"),
        (["events", "audit", "--wait", "nan"], {}, 2, "must be more than 0"),
        (["demo", "--seed", "3"], {}, 2, "--seed goes with --fill"),
        (["import", "vacancies", "x.csv", "--email", "a@b.cd"], {}, 2, "--password-file: a file"),
        (["demo", "--fill", "5", "--url", "http://127.0.0.1:9"], {}, 1, "hirewire run"),
        (["demo", "--fill", "5", "--url", "board"], {}, 1, "nothing answers at"),
    ],
)
async def test_mistakes_are_explained(
    arguments: list[str], settings: dict[str, str], code: int, says: str, tmp_path: Path
) -> None:
    settings = {"HIREWIRE_DATA_DIR": str(tmp_path)} | settings
    found, output = await forked(tmp_path / "log", *arguments, **settings)
    assert (found, says in output) == (code, True), output
    assert "Traceback" not in output


def test_a_period_of_the_log_is_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    class Counting:
        async def count(self, owner: str, body: RequestIn) -> int:
            asked.append(body.model_dump(mode="json", by_alias=True))
            return 0

    def with_operators(work: Callable[[Any], Coroutine[Any, Any, bool]]) -> bool:
        return asyncio.run(work(Counting()))

    monkeypatch.setattr(operations, "with_operators", with_operators)
    order = ["events", "replay", "--to", "profiles", "--dry-run", "--until", "2026-11-02T12:00Z"]
    done = CliRunner().invoke(main.app, [*order, "--since", "2026-11-01"])
    assert done.exit_code == 0, done.output
    assert {(one["since"], one["until"]) for one in asked} == {
        ("2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z")
    }


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """Otherwise the other program would be taken for the service."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        settings = {"HIREWIRE_DATA_DIR": str(tmp_path), "HIREWIRE_WEB_PORT": str(port)}
        found, output = await forked(tmp_path / "log", "run", **settings)
    assert (found, f"port {port}" in output, "HIREWIRE_WEB_PORT" in output) == (1, True, True)


async def open_while_it_starts(url: str) -> None:
    """From the first response on no connection is refused; the page says that the platform is
    starting.
    """
    seen: list[str] = []

    async def shows_the_board() -> bool:
        async with httpx.AsyncClient(headers={"Accept-Language": "ru"}) as client:
            try:
                page = await client.get(url, headers={"Accept": "text/html"}, timeout=30)
                call = await client.get(f"{url}/api/vacancies/vacancies", timeout=30)
            except httpx.ConnectError:
                assert not seen, "it answered before"
                return False
        for answer in (page, call):
            assert answer.status_code in (200, 503), answer.text
            assert answer.status_code == 200 or int(answer.headers["retry-after"]) <= 2
        if page.status_code == 503:
            assert "Hirewire запускается" in page.text
            assert 'http-equiv="refresh"' in page.text
        if call.status_code == 503:
            assert call.headers["content-type"] == "application/problem+json"
            seen.append(call.json()["type"])
        return page.status_code == 200 and call.status_code == 200

    await eventually(shows_the_board, within=90)
    assert "urn:hirewire:problem:starting" in seen


@pytest.mark.long
async def test_run_demo_doctor_and_a_clean_end(scratch: Path) -> None:
    """Embedded engines, one command; a killed service is restarted; Ctrl-C ends everything."""
    await run_demo_doctor_and_end(scratch, killed="profiles")


async def run_demo_doctor_and_end(scratch: Path, *options: str, killed: str) -> None:
    """`hirewire run` with these options; `killed` is the process that must be restarted."""
    folder = scratch / "platform"
    settings = {f"HIREWIRE_{name.upper()}_PORT": str(free_port()) for name in PROCESSES}
    settings["HIREWIRE_DATA_DIR"] = str(folder)
    log = open(scratch / "run.log", "wb")  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", "hirewire", "run", *options], env=environment(**settings), stderr=log
    )

    async def says_ready() -> bool:
        return b"Hirewire is ready" in (scratch / "run.log").read_bytes()

    try:
        await open_while_it_starts(f"http://127.0.0.1:{settings['HIREWIRE_WEB_PORT']}")
        await eventually(says_ready, within=90)
        found, output = await hirewire("demo", **settings)
        assert (found, "every step passed" in output) == (0, True), output
        async with httpx.AsyncClient() as client:
            page = f"http://127.0.0.1:{settings['HIREWIRE_WEB_PORT']}/dev/mail.json"
            kept = await client.get(page)
            assert kept.json().keys() == {"items"}, "there is no SMTP server"
            for headers in ({"Host": "evil.example"}, {"X-Forwarded-For": "127.0.0.1"}):
                assert (await client.get(page, headers=headers)).status_code == 404
        assert (folder / "secret-key").stat().st_mode & 0o077 == 0
        assert folder in running_data_dirs()
        elsewhere = {n: v for n, v in settings.items() if n != "HIREWIRE_DATA_DIR"}
        found, output = await hirewire("run", f"--data-dir={folder}", **elsewhere)
        assert (found, "already" in output) == (1, True), output
        os.kill(int((folder / "run" / f"{killed}.pid").read_text()), signal.SIGKILL)
        async with httpx.AsyncClient() as client:

            async def back() -> bool:
                try:
                    port = settings["HIREWIRE_PROFILES_PORT"]
                    answer = await client.get(f"http://127.0.0.1:{port}/health/ready")
                except httpx.HTTPError:
                    return False
                return answer.status_code == 200

            await eventually(back, within=60)
        found, output = await hirewire("doctor", **settings)
        assert found == 0, output
        assert re.search(rf"memory .* MiB in total: .*{killed} \d+", output), output
        found, output = await hirewire("events", "list", "--data-dir", str(folder), **elsewhere)
        assert re.search(r"vacancies\D+0\D+0\D+0\D+0", output), output
        found, output = await hirewire("events", "jobs", COLUMNS="80", **settings)
        assert re.search(r"vacancies replay: done, \d+ of \d+\n    [0-9a-f-]{36} by ", output), (
            output
        )
        assert max(map(len, output.splitlines())) <= 80
        found, output = await hirewire("events", "catalogue", **settings)
        assert re.search(r"resume\.updated\W+profiles\W+resume_id\W+vacancies", output), output
    finally:
        process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(process.wait, 60)
        log.close()
    assert code == 0
    assert b"Hirewire is stopping" in (scratch / "run.log").read_bytes()
    assert not (folder / "run" / "platform.json").exists()
    assert list((folder / "run").glob("*.pid")) == []


async def test_migrate_waits_for_another_migrate(fresh_address: str, tmp_path: Path) -> None:
    """As in an init container: the database is not there, or old, and then as it must be."""
    log = tmp_path / "log"
    settings = {"HIREWIRE_DATABASE_URL": fresh_address}
    waiting = fork(["migrate", "--wait", "profiles"], env=environment(**settings), log=log)
    try:
        await eventually(lambda: _has(log, '_profiles" does not exist'), within=20)
        await create_database(make_url(f"{fresh_address}old_profiles"))
        old = load_settings({"HIREWIRE_DATABASE_URL": f"{fresh_address}old"})
        assert (await why_not_migrated(old, "profiles") or "").startswith("not applied: ")
        assert waiting.poll() is None
        await copy_of_migrated(f"{fresh_address}_profiles", "profiles")
        await asyncio.to_thread(waiting.wait)
    finally:
        waiting.kill()
    assert waiting.returncode == 0
    assert log.read_text().endswith("profiles: up to date\n")


def test_migrate_waits_for_no_gateway() -> None:
    done = CliRunner().invoke(main.app, ["migrate", "--wait", "web"])
    assert (done.exit_code, "no service 'web'" in done.output) == (2, True)


async def _has(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()
