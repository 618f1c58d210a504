"""The three services of `examples/` as processes over a real PostgreSQL."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.shop import database
from hirewire.launcher.process import spawn, stop
from hirewire.messaging.database import connect
from tests.builders import eventually

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """The processes, by name; their output is in `log`."""

    def __init__(self, server: str, log: Path) -> None:
        self.server, self.log = server, log
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = dict(os.environ) | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        argv = [sys.executable, "-m", f"examples.{name}", self.server, *arguments]
        with self.log.open("ab") as output:
            self.processes.append(spawn(argv, env=environment, output=output, cwd=ROOT))
        return self.processes[-1]

    async def ask(self, name: str, query: str) -> list[tuple[object, ...]]:
        connection = await connect(database(self.server, name), application="tests")
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


@pytest.fixture
def shop(fresh_address: str, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(fresh_address, tmp_path / "log")
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


async def test_every_order_is_paid_and_dispatched_once(shop: Shop) -> None:
    """One service is killed, one starts later, and one message is refused."""
    payments = shop.start("payments")
    orders = [shop.start("orders", "ada", "35")]

    async def first_is_paid() -> bool:
        return orders[0].poll() is not None

    await eventually(first_is_paid, within=60, what=shop.log.read_text())
    payments.kill()
    payments.wait()
    orders += [
        shop.start("orders", name, amount) for name, amount in (("ben", "7"), ("eve", "5000"))
    ]
    counted = "select count(*) from customer_order"

    async def placed() -> bool:
        return await shop.ask("orders", counted) == [(3,)]

    await eventually(placed, within=60)
    shop.start("payments")
    dispatch = shop.start("dispatch")

    async def all_sent() -> bool:
        try:
            found = await shop.ask("dispatch", "select count(sent_at) from parcel")
        except Exception:  # its table does not exist yet
            return False
        return found == [(2,)]

    await eventually(all_sent, within=60, what="two parcels are sent")
    assert await asyncio.to_thread(orders[1].wait, 30) == 0
    assert [one.returncode for one in orders[:2]] == [0, 0], shop.log.read_text()
    sent = "select customer, paid, sent_at is not null from parcel order by customer"
    assert await shop.ask("dispatch", sent) == [
        ("ada", True, True),
        ("ben", True, True),
        ("eve", None, False),
    ]
    amounts = "select amount from payment order by amount"
    assert await shop.ask("payments", amounts) == [(7,), (35,)]
    dead = "select subscription, error from messaging.open_message where state = 'dead'"
    [(subscription, error)] = await shop.ask("payments", dead)
    assert subscription == "payments.orders"
    assert "5000 is over the limit of 1000" in str(error)
    await stop(dispatch, (signal.SIGTERM, 20))
    assert dispatch.returncode == 0, shop.log.read_text()


def test_the_readme_shows_lines_of_the_examples() -> None:
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    source = "\n".join(path.read_text() for path in sorted((ROOT / "examples").glob("*.py")))
    written = {line.strip() for line in source.splitlines()}
    shown = [line.strip() for line in block.splitlines() if line.strip()]
    assert len(shown) > 5
    assert [line for line in shown if line not in written and not line.startswith("...")] == []
