"""A deleted account: what is gone in `auth`, its receipt, and its last mail."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from hirewire.auth import confirming, limits
from hirewire.auth.credentials import password_fits
from hirewire.auth.erasures import background, commands, rules
from hirewire.auth.sessions import routes as sessions
from hirewire.auth.tables import metadata
from hirewire.contracts.profiles import ProfilesErasureDone
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.messaging.testing import consume, recorded
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import plain, sending
from tests.builders import eventually, lock_waits

GONE = (
    *("user_account", "session", "refresh_token", "known_place", "one_time_secret"),
    *("failed_login", "mail_request"),
)


async def delete(auth: Auth, access: str, password: str = PASSWORD) -> httpx.Response:
    return await auth.client.request(
        "DELETE",
        "/api/auth/me",
        json={"password": password},
        headers={"Authorization": f"Bearer {access}"},
    )


async def receipt(auth: Auth, id: str) -> dict[str, Any]:
    answer = await auth.client.get(f"/api/auth/erasures/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def expects(auth: Auth, *services: str) -> None:
    """Let these services be subscribers of `user.erased`."""
    async with auth.service.messaging.transactions() as tx:
        for name in services:
            await tx.exec_driver_sql(
                "insert into messaging.listener (type, service) values ('user.erased', $1)", (name,)
            )


async def answers(auth: Auth, user: UUID, service: str = "profiles", records: int = 7) -> None:
    """Let a service answer."""
    [(erasure_id,)] = await auth.rows("select id from erasure where user_id = $1", user)
    done = ProfilesErasureDone(
        user_id=user, erasure_id=erasure_id, service=service, records=records, at=now()
    )
    await consume(auth.service.messaging.consumer, done)


async def test_nothing_is_left_but_ids_and_the_receipt_fills_up(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await expects(auth, "profiles", "vacancies", "profiles@people-3")
    user = await auth.register()
    await auth.register("boris@example.org")
    tokens, other = await auth.login(), await auth.login()
    await auth.try_login(password="wrong")
    await auth.client.post("/api/auth/password/forgot", json={"email": "anna@example.org"})
    answer = await delete(auth, tokens["accessToken"])
    assert answer.status_code == 202, answer.text
    assert answer.headers["cache-control"] == "no-store"
    id = answer.json()["receiptId"]
    for table in GONE:
        left = await auth.rows(f"select t::text from {table} t")
        assert not [row for row in left if str(user) in row[0] or "anna" in row[0]], table
    assert len(await auth.rows("select 1 from user_account")) == 1
    assert (await auth.refresh(other["refreshToken"])).status_code == 401
    assert (await auth.try_login()).status_code == 401
    assert (await auth.me(tokens["accessToken"])).status_code == 401

    assert [one["service"] for one in (await receipt(auth, id))["services"]] == ["auth"]
    assert (await receipt(auth, id))["state"] == "open"
    await answers(auth, user)
    await answers(auth, user, records=0)  # the same erasure, after a backup was restored
    await answers(auth, user, "vacancies", 3)
    found = await receipt(auth, id)
    assert found["state"] == "complete"
    done = {one["service"]: one["records"] for one in found["services"]}
    assert (done["profiles"], done["vacancies"]) == (7, 3)
    assert done["auth"] > 4
    assert (await auth.client.get("/api/auth/erasures/" + "x" * 43)).status_code == 404

    async with sending(auth, monkeypatch) as box:
        [mail] = await box.mails()  # the last one only
        assert mail["Subject"] == "Your account has been deleted"
        assert re.findall(r"/erasures/([\w-]+)", plain(mail)) == [id]
    kept = await auth.rows("select kind, content from kit.mail where kind = $1", commands.FAREWELL)
    assert kept == [(commands.FAREWELL, None)]
    assert not await auth.rows("select 1 from kit.mail where user_id = $1", user)

    [event] = await recorded(auth.service.engine, "user.erased")
    assert id not in str(event.body)
    [first, _] = await recorded(auth.service.engine, "user.registered")
    assert first.body["email"] == "erased@erased.invalid"
    assert await auth.register() != user


async def test_two_requests_at_once_are_one_erasure(auth: Auth) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    first, second = await asyncio.gather(delete(auth, access), delete(auth, access))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert len(await recorded(auth.service.engine, "user.erased")) == 1
    assert (await receipt(auth, first.json()["receiptId"]))["state"] == "complete"
    assert (await delete(auth, access)).status_code == 401


async def test_a_request_in_progress_and_an_erasure_do_not_block_each_other(auth: Auth) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    headers = {"Authorization": f"Bearer {access}"}
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("lock table data_export_part in exclusive mode")
        asked = asyncio.create_task(auth.client.post("/api/auth/exports", headers=headers))
        await eventually(lambda: _waiting(auth, "data_export_part"))
        gone = asyncio.create_task(delete(auth, access))
        await eventually(lambda: _waiting(auth, "user_account", "erased_among"))
    assert ((await asked).status_code, (await gone).status_code) == (202, 202)
    assert await auth.rows("select * from data_export") == []


async def _waiting(auth: Auth, *statements: str) -> bool:
    """Whether such a statement waits for a lock."""
    waits = await lock_waits(auth.service.engine)
    return any(text in query for text in statements for query in waits)


async def test_whoever_is_erased_during_a_request_gets_a_401(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = ""

    async def erased_meanwhile(password: str, hashed: str | None) -> bool:
        monkeypatch.undo()
        assert (await delete(auth, access)).status_code == 202
        return await password_fits(password, hashed)

    for module, path, body in (
        (confirming, "/api/auth/email", {"password": PASSWORD, "email": "new@example.org"}),
        (confirming, "/api/auth/two-step", {"password": PASSWORD}),
        (confirming, "/api/auth/email", {"password": "wrong", "email": "new@example.org"}),
        (sessions, "/api/auth/login", {"email": "anna@example.org", "password": PASSWORD}),
        (sessions, "/api/auth/login", {"email": "anna@example.org", "password": "wrong"}),
    ):
        await auth.register()
        access = (await auth.login())["accessToken"]
        monkeypatch.setattr(module, "password_fits", erased_meanwhile)
        headers = {"Authorization": f"Bearer {access}"} if module is confirming else {}
        refused = await auth.client.post(path, json=body, headers=headers)
        assert refused.status_code == 401, (path, refused.text)
        assert await auth.rows("select * from security_event") == []


async def test_a_wrong_password_deletes_nothing_and_counts_as_a_failed_login(auth: Auth) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    for _ in range(limits.FAILURES_OF_PAIR):
        answer = await delete(auth, access, "wrong")
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/password", "wrong_password")
    answer = await delete(auth, access)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")
    assert (await auth.me(access)).status_code == 200
    assert (await auth.client.request("DELETE", "/api/auth/me", json={})).status_code == 401


async def test_a_password_that_changes_meanwhile_deletes_nothing(auth: Auth) -> None:
    user = await auth.register()
    async with auth.service.messaging.transactions() as tx:
        leaving = commands.Leaving(user, "another hash")
        assert await commands.delete_account(tx, leaving, public_url="", language=None) is None
    await auth.login()


async def test_an_erasure_that_stays_open_raises_an_alarm(auth: Auth, clock: MovedClock) -> None:
    await expects(auth, "profiles")
    user = await auth.register()
    await delete(auth, (await auth.login())["accessToken"])
    transactions = auth.service.messaging.transactions
    with capture_logs() as logs:
        await background.watch(transactions)
        assert not logs
        clock.forward(seconds=rules.LATE.total_seconds() + 60)
        for _ in range(2):
            await background.watch(transactions)
    assert [line["log_level"] for line in logs] == ["error"]
    assert background.OPEN._value.get() > rules.LATE.total_seconds()
    await answers(auth, user)
    await background.watch(transactions)
    assert background.OPEN._value.get() == 0


async def test_a_last_mail_that_cannot_be_delivered_is_dropped(auth: Auth) -> None:
    await auth.register()
    await delete(auth, (await auth.login())["accessToken"])
    transactions = auth.service.messaging.transactions
    async with transactions() as tx:
        [mail] = await queue.claim(tx, 1)
        assert mail.expires_at is not None
        assert mail.expires_at <= mail.created_at + timedelta(days=3)
        await queue.end(tx, mail, "dead", "refused")
    await background.watch(transactions)
    assert not await auth.rows("select 1 from kit.mail")


async def test_a_restored_user_is_erased_again(auth: Auth) -> None:
    """As after a backup: the user is there again, and the services must erase it again."""
    user = await auth.register()
    erasure_id, moment = uuid4(), now()
    for _ in range(2):
        async with auth.service.messaging.transactions() as tx:
            await commands.erase_again(tx, user, erasure_id, moment)
    assert not await auth.rows("select 1 from user_account")
    events = await recorded(auth.service.engine, "user.erased")
    assert [event.body["erasureId"] for event in events] == [str(erasure_id)] * 2


def test_whatever_belongs_to_a_user_goes_with_the_user() -> None:
    """Every table with a user's id is deleted by cascade, or holds nothing but ids for ever."""
    for table in metadata.sorted_tables:
        if "user_id" in table.c and table.name != "erasure":
            [key] = table.c.user_id.foreign_keys
            assert key.ondelete == "CASCADE", table.name
