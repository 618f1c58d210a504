"""The doctor's findings are accurate and actionable."""

import io
import socket
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from hirewire.assembly import load_settings
from hirewire.kit import clock
from hirewire.launcher import doctor, kafka_jars
from hirewire.launcher.doctor import Check, examine, print_report
from hirewire.launcher.process import free_port


class Alien(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def alien_port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Alien)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


async def found(folder: Path, *processes: str, **given: str) -> dict[str, Check]:
    settings = load_settings({f"HIREWIRE_{name.upper()}": text for name, text in given.items()})
    return {check.name: check for check in await examine(settings, folder, processes)}


async def test_without_a_platform_and_without_settings(tmp_path: Path) -> None:
    checks = await found(tmp_path, "auth", auth_port=str(free_port()))
    assert {name: check.status for name, check in checks.items()} == {
        "Python": "ok",
        "settings": "ok",
        "data folder": "ok",
        "rabbitmq-server": "ok",
        "Kafka node": "ok",
        "PostgreSQL": "warn",
        "broker": "warn",
        "auth": "warn",
    }
    assert print_report(checks.values(), Console(file=io.StringIO())) == 0


async def test_where_a_kafka_node_would_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_jars, "find_java", lambda: Path("/opt/java"))
    check = (await found(tmp_path, kafka_home=str(tmp_path)))["Kafka node"]
    assert check.detail == f"/opt/java, jars in {tmp_path}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert (await found(tmp_path))["Kafka node"].detail == "/opt/java, jars not fetched"
    monkeypatch.setattr(kafka_jars, "find_java", lambda: None)
    assert "no Java" in (await found(tmp_path))["Kafka node"].detail


async def test_a_reachable_database(postgres_url: str, tmp_path: Path) -> None:
    checks = await found(tmp_path, database_url=postgres_url)
    assert checks["PostgreSQL"].status == "ok"
    assert checks["clock"].status == "ok"


async def test_a_missing_secret_key_is_named(postgres_url: str, tmp_path: Path) -> None:
    check = (await found(tmp_path, database_url=postgres_url))["secret key"]
    assert (check.status, "HIREWIRE_SECRET_KEY" in check.detail) == ("fail", True)
    check = (await found(tmp_path, database_url=postgres_url, secret_key="k" * 32))["secret key"]
    assert (check.status, "k" * 32 in check.detail) == ("ok", False)


async def test_unreachable_addresses(tmp_path: Path) -> None:
    port = free_port()
    checks = await found(
        tmp_path,
        database_url=f"postgresql://hirewire:hush@127.0.0.1:{port}",
        broker_url=f"amqp://hirewire:hush@127.0.0.1:{port}/",
    )
    assert (checks["PostgreSQL"].status, checks["broker"].status) == ("fail", "fail")
    output = io.StringIO()
    assert print_report(checks.values(), Console(file=output, width=300)) == 1
    assert "hush" not in output.getvalue()


async def test_an_unknown_kind_of_broker(tmp_path: Path) -> None:
    check = (await found(tmp_path, broker_url="ftp://127.0.0.1"))["broker"]
    assert (check.status, "'ftp'" in check.detail) == ("fail", True)


async def test_a_port_used_by_another_program(alien_port: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        checks = await found(
            tmp_path,
            "auth",
            "web",
            auth_port=str(alien_port),
            web_port=str(dumb.getsockname()[1]),
        )
    assert (checks["auth"].status, "another program" in checks["auth"].detail) == ("fail", True)
    assert (checks["web"].status, "not speak HTTP" in checks["web"].detail) == ("fail", True)


async def test_a_data_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = (await found(tmp_path / "file" / "data"))["data folder"]
    assert (check.status, "cannot be written" in check.detail) == ("fail", True)


@pytest.mark.parametrize(("seconds", "status"), [(0.5, "ok"), (-5, "warn"), (60, "fail")])
def test_clocks_that_differ(seconds: float, status: str) -> None:
    now = clock.now()
    assert doctor._clock(now, now + timedelta(seconds=seconds)).status == status


def test_a_detail_is_printed_as_it_is() -> None:
    output = io.StringIO()
    console = Console(file=output, width=200)
    assert print_report([Check("broker", "fail", "[::1]: refused [/x]")], console) == 1
    assert "[::1]: refused [/x]" in output.getvalue()


def test_the_address_of_a_broker_is_shown_without_its_password() -> None:
    assert doctor._places("postgresql://u:hush@/x?host=a,b&port=1,2") == "postgresql://a:1,b:2"
    assert doctor._places("amqp://u:hush@a:5672/%2F") == "amqp://a:5672"
    assert doctor._places("kafka+ssl://u:hush@a:9092,b:9093/x?ca=y") == "kafka+ssl://a:9092,b:9093"
