"""A request holds one connection to the database at a time."""

import asyncio
from collections import Counter
from typing import Any

from sqlalchemy import event

from tests.auth.conftest import Auth

READ = (
    *("me", "sessions", "passkeys", "two-step", "identities", "tokens"),
    *("security-log", "exports", "consents"),
)
"""What the page of the account asks for, all at once."""


async def test_a_request_holds_one_connection(auth: Auth) -> None:
    """With two each, the requests of two pages would hold all connections and wait for more."""
    await auth.register()
    tokens = await auth.login()
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    await auth.me(tokens["accessToken"])  # the signing keys are in memory from now on
    holder: dict[object, asyncio.Task[Any] | None] = {}
    held, most = Counter[asyncio.Task[Any] | None](), Counter[asyncio.Task[Any] | None]()
    engine = auth.service.messaging.transactions.engine.sync_engine

    @event.listens_for(engine, "checkout")
    def on_checkout(_: object, record: object, __: object) -> None:
        task = holder[record] = asyncio.current_task()
        held[task] += 1
        most[task] = max(most[task], held[task])

    @event.listens_for(engine, "checkin")
    def on_checkin(_: object, record: object) -> None:
        held[holder.pop(record)] -= 1

    for path in READ:
        answer = await auth.client.get(f"/api/auth/{path}", headers=headers)
        assert answer.status_code == 200, answer.text
    answer = await auth.client.delete("/api/auth/sessions", headers=headers)
    assert answer.status_code == 204
    assert most[asyncio.current_task()] == 1
