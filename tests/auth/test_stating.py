"""The state of all accounts is published once for each new subscriber, whatever the log has."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from hirewire.auth.accounts.stating import USERS
from hirewire.contracts.auth import AuthStated, UserStated
from hirewire.kit import stating
from hirewire.messaging.testing import recorded
from tests.auth.conftest import Auth

SUBSCRIBE = "insert into messaging.listener (type, service) values ('user.stated', $1)"


def END(subscriber: str, types: list[str]) -> AuthStated:  # noqa: N802
    return AuthStated(subscriber=subscriber, types=types)


async def run(auth: Auth, statement: str, *values: object) -> None:
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql(statement, values)


async def stated(auth: Auth) -> list[str]:
    """Whose state was published, in this order."""
    found = [row.event for row in await recorded(auth.service.engine, "user.stated")]
    return [one.email for one in found if isinstance(one, UserStated)]


async def work(auth: Auth) -> None:
    """All that is due."""
    while await stating.step([USERS], END, auth.service.messaging.transactions):
        pass


@pytest.mark.parametrize("batch", [1, 2, 200])
async def test_each_new_subscriber_gets_each_account_once(
    auth: Auth, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(stating, "BATCH", batch)
    emails = [f"{name}@example.org" for name in "abcd"]
    for email in emails:
        await auth.register(email)
    await work(auth)
    assert await stated(auth) == [], "nobody has subscribed"
    await run(auth, SUBSCRIBE, "one")
    await asyncio.gather(*(work(auth) for _ in range(3)))
    assert await stated(auth) == emails
    [*_, last] = await recorded(auth.service.engine)
    assert (last.type, last.body) == (
        "auth.stated",
        {"subscriber": "one", "types": ["user.stated"]},
    )
    await auth.register("e@example.org")
    await work(auth)
    assert await stated(auth) == emails, "those who come later are news"
    await run(auth, "update messaging.listener set until = pg_current_xact_id()")
    await work(auth)
    await run(auth, SUBSCRIBE, "one")
    await work(auth)
    assert await stated(auth) == [*emails, *emails, "e@example.org"], "it was away in between"


async def test_it_waits_for_news_and_gives_way(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    user = await auth.register()
    blocked = "update user_account set blocked_at = now(), blocked_why = 'spam' where id = $1"
    await run(auth, blocked, user)
    await run(auth, SUBSCRIBE, "one")
    monkeypatch.setattr(stating, "MOST_UNSENT", 1)
    transactions = auth.service.messaging.transactions
    assert await stating.step([USERS], END, transactions)
    assert await stated(auth) == [], "the registration is not sent yet"
    monkeypatch.setattr(stating, "MOST_UNSENT", 1000)
    async with auth.service.engine.begin() as busy:
        await busy.exec_driver_sql("update user_account set role = role")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await stating.step([USERS], END, transactions)
    await work(auth)
    [row] = await recorded(auth.service.engine, "user.stated")
    assert row.body["blockedAt"] is not None
    assert (row.body["language"], row.body["verifiedAt"]) == (None, None)
