"""Blocking a person: effects in `auth` at once, and what others learn."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from hirewire.auth.admins import LastAdmin
from hirewire.auth.operator_mails import Board
from hirewire.auth.operators.commands import (
    Act,
    AlreadyBlocked,
    NotBlocked,
    OwnAccount,
    block,
    remove_admin,
    unblock,
)
from hirewire.kit import audit_log
from hirewire.kit.errors import NotAnOperator, NotFound
from hirewire.messaging.testing import bodies, recorded
from hirewire.messaging.transaction import Tx
from tests.auth.conftest import Auth
from tests.auth.postbox import sending
from tests.builders import eventually

BOARD = Board("https://jobs.example.org", "office@example.org")


async def blocked(auth: Auth, on: UUID, by: UUID | None = None, why: str = "spam") -> None:
    async with auth.service.messaging.transactions() as tx:
        await block(tx, Act(by, on, why), BOARD)


async def unblocked(auth: Auth, on: UUID, by: UUID | None = None) -> None:
    async with auth.service.messaging.transactions() as tx:
        await unblock(tx, Act(by, on, "resolved"), BOARD)


async def admin(auth: Auth, email: str) -> UUID:
    id = await auth.register(email)
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("update user_account set role = 'admin' where id = $1", (id,))
    return id


async def test_a_block_ends_everything_at_once(auth: Auth) -> None:
    id = await auth.register()
    tokens = await auth.login()
    await blocked(auth, id)
    for answer in (await auth.try_login(), await auth.refresh(tokens["refreshToken"])):
        assert (answer.status_code, answer.json()["code"]) == (401, "account_blocked")
    wrong = await auth.try_login(password="not the password")
    assert wrong.json()["code"] == "wrong_credentials"  # says nothing about the account

    async def is_refused() -> bool:
        return bool((await auth.me(tokens["accessToken"])).json().get("code") == "account_blocked")

    await eventually(is_refused, what="the access token is refused")
    assert await auth.rows("select revoked_why from session") == [("blocked by an operator",)]
    await unblocked(auth, id)
    assert (await auth.refresh(tokens["refreshToken"])).json()["code"] == "invalid_refresh_token"
    fresh = await auth.login()

    async def is_in() -> bool:
        return (await auth.me(fresh["accessToken"])).status_code == 200

    await eventually(is_in, what="a new token is accepted")
    said = bodies(await recorded(auth.service.engine, "user.blocked"))
    assert [(one["userId"], one["blocked"]) for one in said] == [(str(id), True), (str(id), False)]
    assert "spam" not in str(said)  # the reason is for the person alone


async def test_a_refresh_at_the_same_instant_does_not_outlive_the_block(auth: Auth) -> None:
    id = await auth.register()
    tokens = [await auth.login() for _ in range(4)]
    answers = await asyncio.gather(
        *(auth.refresh(one["refreshToken"]) for one in tokens[:2]),
        blocked(auth, id),
        *(auth.refresh(one["refreshToken"]) for one in tokens[2:]),
        auth.try_login(),
    )
    pairs = [one.json() for one in answers if one is not None and one.status_code == 200]

    async def all_are_refused() -> bool:
        codes = [(await auth.me(one["accessToken"])).json().get("code") for one in pairs]
        return set(codes) <= {"account_blocked"}

    await eventually(all_are_refused, what="all tokens are refused")
    for pair in pairs:
        assert (await auth.refresh(pair["refreshToken"])).json()["code"] == "account_blocked"
    assert await auth.rows("select count(*) from session where revoked_at is null") == [(0,)]


async def test_who_may_block_whom(auth: Auth) -> None:
    id, boss, other = (
        await auth.register(),
        await admin(auth, "b@x.org"),
        await admin(auth, "o@x.org"),
    )
    for error, on, by in (
        (OwnAccount, boss, boss),
        (NotAnOperator, boss, id),
        (NotAnOperator, id, uuid4()),
        (NotFound, uuid4(), boss),
        (NotBlocked, id, boss),
    ):
        with pytest.raises(error):
            await (unblocked if error is NotBlocked else blocked)(auth, on, by)
    await blocked(auth, id, boss)
    with pytest.raises(AlreadyBlocked):
        await blocked(auth, id, other, "again")


async def test_of_operators_who_turn_on_each_other_one_stays(auth: Auth) -> None:
    boss, other = await admin(auth, "b@x.org"), await admin(auth, "o@x.org")
    transactions = auth.service.messaging.transactions

    async def second(act: Callable[[Tx], Awaitable[None]]) -> None:
        async with transactions() as tx:
            await act(tx)

    async def both(
        first: Callable[[Tx], Awaitable[None]], late: Callable[[Tx], Awaitable[None]]
    ) -> asyncio.Task[None]:
        """The second act begins before the first one is committed."""
        async with transactions() as tx:
            await first(tx)
            task = asyncio.create_task(second(late))
            await asyncio.wait({task}, timeout=0.3)
            assert not task.done(), "it waits"
        return task

    # Each leaves by themselves: the second one is the last operator, and cannot.
    task = await both(
        lambda tx: remove_admin(tx, Act(boss, boss, "I leave")),
        lambda tx: remove_admin(tx, Act(other, other, "I leave too")),
    )
    with pytest.raises(LastAdmin):
        await task
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql("update user_account set role = 'admin'")
    # Each blocks the other one: the second one is no operator any more.
    task = await both(
        lambda tx: block(tx, Act(boss, other, "rivals"), BOARD),
        lambda tx: block(tx, Act(other, boss, "rivals"), BOARD),
    )
    with pytest.raises(NotAnOperator):
        await task
    assert await auth.rows("select id from user_account where blocked_at is null") == [(boss,)]
    with pytest.raises(NotAnOperator):  # a blocked operator
        await unblocked(auth, other, other)


async def test_the_person_gets_the_reason_by_mail(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await auth.register()
    async with sending(auth, monkeypatch) as postbox:
        await blocked(auth, id, why="Fake vacancies {why}\nand <b>more</b>")
        await unblocked(auth, id)
        first, second = await postbox.mails()
        text, _ = await postbox.texts()
        assert "Fake vacancies {why} and <b>more</b>" in text
        assert "https://jobs.example.org/contact" in text
        assert first["Reply-To"] == "office@example.org"
        assert second["Subject"] == "Your account is available again"


async def test_acts_are_noted_and_cannot_be_changed(auth: Auth) -> None:
    id, boss = await auth.register(), await admin(auth, "b@x.org")
    await blocked(auth, id, boss, "spam")
    await unblocked(auth, id)
    async with auth.service.messaging.transactions() as tx:
        entries = await audit_log.page(tx, 10)
        assert [(one.act, one.operator_id, one.why) for one in entries] == [
            ("user_unblocked", None, "resolved"),
            ("user_blocked", boss, "spam"),
        ]
        assert {one.subject_id for one in entries} == {str(id)}
        one = entries[0]
        [older] = await audit_log.page(tx, 1, (one.at, one.id))
        assert older == entries[1]
    for statement in (
        "update kit.operator_act set why = ''",
        "delete from kit.operator_act",
        "truncate kit.operator_act",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            await auth.rows(statement)
