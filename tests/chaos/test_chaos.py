"""The chaos suite: its judge can fail, its faults work as described, and its short form passes."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from chaos import network, volume
from chaos.__main__ import chosen, main
from chaos.document import HEAD, KAFKA_HEAD, TABLE, write
from chaos.judge import untruths
from chaos.network import Network, inside
from chaos.proxy import Proxy
from chaos.scenarios import SCENARIOS
from chaos.verify import Effect, Written, repeats, verdict
from chaos.volume import Volume
from hirewire.messaging.reconciliation.audit import Expected, Ledger
from hirewire.operators.auditing import Report
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [Written(uuid4(), place, nth) for nth in (1, 2, 3) for place in ("a", "b")]


def effects(events: list[Written]) -> list[Effect]:
    return [Effect(one.event_id, one.place, one.nth, False) for one in events]


def test_the_verdict_is_good_if_everything_took_effect_once_and_in_order() -> None:
    found = verdict(EVENTS, effects(EVENTS))
    assert found.good
    assert (found.events, found.late) == (6, 0)


def test_a_lost_event_is_found_unless_it_was_discarded() -> None:
    assert verdict(EVENTS, effects(EVENTS[1:])).lost == 1
    assert verdict(EVENTS, effects(EVENTS[1:]), [EVENTS[0].event_id]).good


def test_a_duplicate_effect_is_found() -> None:
    found = verdict(EVENTS, effects([*EVENTS, EVENTS[-1]]))
    assert (found.duplicated, found.good) == (1, False)


def test_reordered_effects_are_found_unless_they_were_expected() -> None:
    swapped = effects([EVENTS[2], EVENTS[0], *EVENTS[1:2], *EVENTS[3:]])
    assert verdict(EVENTS, swapped).reordered == 1
    late = [
        Effect(one.event_id, one.place, one.nth, one.event_id == EVENTS[0].event_id)
        for one in swapped
    ]
    assert verdict(EVENTS, late).reordered == 1
    assert verdict(EVENTS, late, may_be_late=[EVENTS[1].event_id]).reordered == 1
    found = verdict(EVENTS, late, may_be_late=[EVENTS[0].event_id])
    assert (found.reordered, found.late) == (0, 1)


def test_replayed_events_take_effect_as_often_as_requested() -> None:
    asked = [("a", 1), ("a", 1), ("b", 2)]
    given = [Effect(uuid4(), place, nth, False) for place, nth in asked]
    assert repeats(asked, given).good
    assert repeats(asked, given[1:]).lost == 1
    assert repeats(asked, [*given, given[0]]).duplicated == 1


def test_a_clean_audit_that_misses_an_event_is_false() -> None:
    account = Ledger()
    account.expect([Expected(EVENTS[0].event_id, "chaos.happened", ["reader"])])
    account.expect([Expected(EVENTS[1].event_id, "chaos.happened", [])])
    report = Report({"writer": account})
    assert untruths(report, 2, ["reader"]) == ["reader: 1 expected, but 2 are committed"]
    assert len(untruths(report, 3, ["reader"])) == 2
    assert untruths(Report(), 0, []) == ["the report lacks the writer"]


def test_an_effect_without_an_event_is_found() -> None:
    assert verdict(EVENTS[1:], effects(EVENTS)).invented == 1


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    made = Proxy(server.sockets[0].getsockname()[1])
    await made.start()
    yield made
    await made.stop()
    server.close()


async def ask(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_the_proxy_forwards_delays_hangs_and_cuts(proxy: Proxy) -> None:
    reader, writer = await ask(proxy)
    for mode in (proxy.heal, proxy.slow):
        mode()
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
    proxy.hang()
    writer.write(b"later")
    held = asyncio.ensure_future(reader.readexactly(5))
    done, _ = await asyncio.wait({held}, timeout=0.2)
    assert not done
    proxy.heal()
    assert await held == b"later"
    proxy.cut()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await ask(proxy)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


def test_scenarios_are_chosen_by_name_or_by_a_part_of_it() -> None:
    assert chosen(["disk alarm"], "rabbitmq") == ["disk alarm"]
    assert set(chosen(["FROZEN"], "kafka")) == {name for name in SCENARIOS if "frozen" in name}
    with pytest.raises(LookupError):
        chosen(["no such thing"], "rabbitmq")
    with pytest.raises(LookupError):
        chosen(["disk alarm"], "kafka")


def test_a_run_of_nothing_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", "--broker", "kafka", "broker lied"])
    monkeypatch.setattr("chaos.run.lacked", lambda _: "Java")
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1


def test_the_page_is_what_is_written(tmp_path: Path) -> None:
    """But for the table of the last run, between its head and the list of scenarios."""
    page = (ROOT / "docs" / "chaos.md").read_text()
    write([], tmp_path / "chaos.md")
    scenarios = (tmp_path / "chaos.md").read_text().removeprefix(HEAD)
    assert page.startswith(HEAD)
    assert page.endswith(scenarios)


def test_the_page_over_kafka_is_what_is_written() -> None:
    assert (ROOT / "docs" / "chaos-kafka.md").read_text().startswith(KAFKA_HEAD + TABLE)


def test_an_unplugged_host_gets_nothing_and_is_not_notified() -> None:
    if lacks := network.missing():
        missing("network namespaces", lacks)
    made = Network()
    made.start()
    try:
        host = made.host("a")
        with inside(host):
            server = socket.create_server((host.address, 0))
        port = server.getsockname()[1]
        with server, socket.create_connection((host.address, port), timeout=5) as client:
            accepted, _ = server.accept()
            with accepted:
                made.unplug("a")
                client.sendall(b"lost on its way")
                accepted.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    accepted.recv(1)
                made.plug("a")
                accepted.settimeout(20)
                assert accepted.recv(100) == b"lost on its way"
    finally:
        made.stop()


def test_the_disk_keeps_only_flushed_data(tmp_path: Path) -> None:
    if lacks := volume.missing():
        missing("a disk of its own", lacks)
    made = Volume(tmp_path)
    made.start()
    try:
        folder = made.place / "folder"
        folder.mkdir()
        made.sync()
        for name in ("flushed", "not flushed"):
            with (folder / name).open("wb") as file:
                file.write(b"x" * 10_000)
                file.flush()
                if name == "flushed":
                    os.fsync(file.fileno())
        made.cut(1)
        made.mount()
        assert (folder / "flushed").read_bytes() == b"x" * 10_000
        rest = folder / "not flushed"
        assert not rest.exists() or rest.read_bytes() != b"x" * 10_000
    finally:
        made.stop()
