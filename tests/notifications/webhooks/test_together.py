"""Several senders, several transactions and a receiver that fails at random: nothing is lost, sent
twice after a success, or sent before its turn.
"""

import asyncio
import random
from collections import defaultdict
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.kit.clock import now
from hirewire.messaging.retry import RetrySchedule
from hirewire.notifications.webhooks import background, recording, rules
from hirewire.notifications.webhooks.background import Sender
from hirewire.notifications.webhooks.recording import Entry
from tests.notifications.webhooks.conftest import Hooks
from tests.notifications.webhooks.receiver import Request

FAST = RetrySchedule(attempts=100, first=timedelta(milliseconds=5), factor=1.0)
KEYS, EACH, PARTS = 36, 3, 12


async def test_senders_and_transactions_at_the_same_time(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "SCHEDULE", FAST)
    chance = random.Random(7)
    service = hooks.board.service
    made = await hooks.create()
    webhook_id = UUID(made["id"])
    accepted: dict[str, list[int]] = defaultdict(list)

    def answer(request: Request) -> int:
        if chance.random() < 0.02:
            return 500
        key, position = request.verified(made["secret"])["data"].values()
        accepted[key].append(position)
        return 200

    hooks.receiver.answer, hooks.receiver.seconds = answer, 0.01

    async def enter(keys: list[str]) -> None:
        for key in keys:
            for position in range(EACH):
                async with service.messaging.transactions() as tx:
                    await recording.enter(tx, [_entry(webhook_id, key, position)])
                    # Meanwhile a sender may find that nothing else waits.
                    await asyncio.sleep(0.4 * chance.random())

    senders = [Sender(service.messaging.transactions, service.app.state.settings) for _ in range(2)]
    running = [asyncio.create_task(one.run()) for one in senders]
    keys = [f"key {nth}" for nth in range(KEYS)]
    async with asyncio.TaskGroup() as group:
        for nth in range(PARTS):
            group.create_task(enter(keys[nth::PARTS]))
    async with asyncio.timeout(60):
        while await hooks.board.rows("select 1 from webhook_delivery where state = 'waiting'"):
            recording.wake()
            await asyncio.sleep(0.05)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert accepted == {key: list(range(EACH)) for key in keys}
    assert await hooks.board.rows("select count(*) from webhook_lane") == [(0,)]
    [(states, deliveries)] = await hooks.board.rows(
        "select count(distinct state), count(*) from webhook_delivery"
    )
    assert (states, deliveries) == (1, KEYS * EACH)


def _entry(webhook_id: UUID, key: str, position: int) -> Entry:
    data = {"key": key, "position": position}
    return Entry(
        webhook_id=webhook_id,
        event_id=uuid4(),
        type="application.submitted",
        key=key,
        position=position,
        at=now(),
        subject_id=None,
        body=rules.payload("application.submitted", now(), data),
    )
