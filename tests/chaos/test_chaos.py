"""The chaos suite: its judge can fail, its proxy does what it says, and its short form passes."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from chaos.proxy import Proxy
from chaos.scenarios import SCENARIOS, SHORT
from chaos.verify import Effect, Written, verdict
from tests.conftest import RabbitMQ, missing

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [Written(uuid4(), place, nth) for nth in (1, 2, 3) for place in ("a", "b")]


def effects(events: list[Written]) -> list[Effect]:
    return [Effect(one.event_id, one.place, one.nth, False) for one in events]


def test_all_once_and_in_order_is_good() -> None:
    found = verdict(EVENTS, effects(EVENTS))
    assert found.good
    assert (found.events, found.late) == (6, 0)


def test_a_lost_event_is_found_unless_it_was_given_up() -> None:
    assert verdict(EVENTS, effects(EVENTS[1:])).lost == 1
    assert verdict(EVENTS, effects(EVENTS[1:]), [EVENTS[0].event_id]).good


def test_a_doubled_effect_is_found() -> None:
    found = verdict(EVENTS, effects([*EVENTS, EVENTS[-1]]))
    assert (found.doubled, found.good) == (1, False)


def test_reordered_effects_are_found_unless_marked_late() -> None:
    swapped = effects([EVENTS[2], EVENTS[0], *EVENTS[1:2], *EVENTS[3:]])
    assert verdict(EVENTS, swapped).reordered == 1
    late = [
        Effect(one.event_id, one.place, one.nth, one.event_id == EVENTS[0].event_id)
        for one in swapped
    ]
    found = verdict(EVENTS, late)
    assert (found.reordered, found.late) == (0, 1)


def test_an_effect_of_nothing_is_found() -> None:
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


async def test_the_proxy_passes_slows_holds_and_cuts(proxy: Proxy) -> None:
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


def test_the_short_form_is_some_of_the_long_one() -> None:
    assert set(SHORT) <= set(SCENARIOS)


@pytest.mark.timeout(400)
async def test_nothing_is_lost_doubled_or_reordered(rabbitmq: RabbitMQ) -> None:
    if rabbitmq.node is None:
        missing("rabbitmq", "chaos starts nodes of its own")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "chaos", "--short", "--seed", "5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert (done.returncode, len(lines)) == (0, len(SHORT)), done.stdout + done.stderr[-3000:]
