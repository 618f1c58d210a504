"""Deliveries to webhooks while some receivers hang: are the others slowed?

100 webhooks get 100 deliveries each. In turns, ten of them hang (they take the request and never
answer), answer as the others do, or do not exist. Measured is the time until all deliveries to the
other 90 are noted, from the first claim. Receivers are a process of their own, on the same machine.
"""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal
from uuid import UUID

from aiohttp import web
from sqlalchemy.engine import make_url

from bench.measure import Figure, Options
from bench.places import Bench
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine, migrate
from hirewire.kit.secrets import seal, use_keys
from hirewire.kit.settings import Settings
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions, Tx
from hirewire.notifications.webhooks import recording, rules
from hirewire.notifications.webhooks.background import Sender
from hirewire.notifications.webhooks.recording import Entry

WEBHOOKS, OTHERS = 100, 10
PER_WEBHOOK, QUICK_PER_WEBHOOK = 100, 10
PER_KEY = 2
AT_MOST_SLOWER = 10.0
Kind = Literal["absent", "answering", "hanging"]
KINDS: tuple[Kind, ...] = ("absent", "answering", "hanging")
SECRET = "whsec_" + "QUFB" * 11
_ADD = "insert into webhook (id, url, events, created_at) values ($1, $2, '{a}', $3)"
_SECRET = "insert into webhook_secret (id, webhook_id, secret, created_at) values ($1, $2, $3, $4)"
_DONE = """
select count(*) as deliveries, max(ended_at) as at from webhook_delivery
where webhook_id = any($1::uuid[]) and state = 'delivered'
"""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """The three kinds in turns."""
    each = options.count(PER_WEBHOOK, QUICK_PER_WEBHOOK)
    use_keys("of-the-bench-and-nothing-but-of-the-bench")
    pair = await bench.pair("webhooks")
    url = make_url(pair.reader_url).set(database="forth_notifications")
    address = url.render_as_string(hide_password=False)
    await migrate(address, "notifications")
    engine = make_engine(address)
    seconds: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    try:
        async with receivers() as port:
            transactions = Transactions(engine, "notifications")
            await _measured(transactions, port, "absent", each)  # warms up
            for nth in range(options.rounds):
                for kind in KINDS[nth % 3 :] + KINDS[: nth % 3]:
                    seconds[kind].append(await _measured(transactions, port, kind, each))
    finally:
        await engine.dispose()
    deliveries = (WEBHOOKS - OTHERS) * each
    figures = [
        Figure(
            f"deliveries to {WEBHOOKS - OTHERS} webhooks, {OTHERS} others {kind}",
            [deliveries / one for one in seconds[kind]],
            "/s",
        )
        for kind in KINDS
    ]
    for kind in ("absent", "answering"):
        before = statistics.median(seconds[kind])
        slower = [100 * (one / before - 1) for one in seconds["hanging"]]
        what = f"slower by {OTHERS} hanging webhooks than with these {kind}"
        figures.append(Figure(what, slower, "%", at_most=AT_MOST_SLOWER))
    return figures


async def _measured(transactions: Transactions, port: int, kind: Kind, each: int) -> float:
    """Seconds until all deliveries to the 90 are noted."""
    async with transactions() as tx:
        await tx.exec_driver_sql("truncate webhook cascade")
        good = await _add(tx, f"http://127.0.0.1:{port}/answer", WEBHOOKS - OTHERS, each)
        if kind != "absent":
            path = "answer" if kind == "answering" else "hang"
            await _add(tx, f"http://127.0.0.1:{port}/{path}", OTHERS, each)
    async with transactions.engine.connect() as connection:
        vacuum = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await vacuum.exec_driver_sql("analyze")
    settings = Settings(outgoing_networks="127.0.0.0/8")
    sender = asyncio.create_task(Sender(transactions, settings).run())
    began = now()
    try:
        return (await _end(transactions, good, each) - began).total_seconds()
    finally:
        sender.cancel()
        await asyncio.wait({sender})


async def _add(tx: Tx, url: str, count: int, each: int) -> Sequence[UUID]:
    ids = [new_id() for _ in range(count)]
    moment = now()
    for id in ids:
        await tx.exec_driver_sql(_ADD, (id, url, moment))
        await tx.exec_driver_sql(_SECRET, (new_id(), id, seal(SECRET, rules.PURPOSE), moment))
    body = rules.payload("application.submitted", moment, {"applicationId": str(ids[0])})
    entries = [
        Entry(
            webhook_id=id,
            event_id=new_id(),
            type="application.submitted",
            key=f"vacancies:{nth // PER_KEY}",
            position=nth,
            at=moment,
            subject_id=None,
            body=body,
        )
        for nth in range(each)
        for id in ids
    ]
    await recording.enter(tx, entries)
    return ids


async def _end(transactions: Transactions, webhooks: Sequence[UUID], each: int) -> datetime:
    async with asyncio.timeout(300):
        while True:
            async with transactions() as tx:
                row = (await tx.exec_driver_sql(_DONE, (list(webhooks),))).one()
            if row.deliveries == len(webhooks) * each:
                found: datetime = row.at
                return found
            await asyncio.sleep(0.2)


@asynccontextmanager
async def receivers() -> AsyncIterator[int]:
    """The port of the process of all receivers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.webhooks", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _answer(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _hang(_: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response(status=204)


async def _receive() -> None:
    app = web.Application()
    app.router.add_post("/answer", _answer)
    app.router.add_post("/hang", _hang)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_receive())
