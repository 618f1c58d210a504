"""Access tokens of blocked and erased people are refused before they expire."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserBlocked
from hirewire.kit import refusals
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine
from hirewire.kit.refusals import AccountBlocked, Refusals
from hirewire.kit.tokens import Verifier
from hirewire.messaging.testing import consume, delivery
from hirewire.profiles.app import SERVICE as PROFILES
from tests.builders import counted, eventually
from tests.services import Running, running, token_for

ISSUER = "http://127.0.0.1:8000"


@pytest.fixture
async def service(fresh_address: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(refusals, "RELOAD_SECONDS", 60.0)  # only the process's own wake-up call
    async with running(PROFILES, fresh_address) as made:
        yield made


async def code(service: Running, user: UUID, **claims: object) -> str:
    headers = service.as_user(user, **claims)
    answer = await service.client.get("/api/profiles/resumes", headers=headers)
    return "ok" if answer.status_code == 200 else f"{answer.status_code} {answer.json()['code']}"


async def becomes(service: Running, user: UUID, expected: str, **claims: object) -> None:
    async def it_is() -> bool:
        return await code(service, user, **claims) == expected

    await eventually(it_is, what=expected)


async def test_a_blocked_users_tokens_are_refused_until_the_unblocking(service: Running) -> None:
    anna, moment = uuid4(), now()
    before = int((moment - timedelta(minutes=2)).timestamp())
    consumer = service.messaging.consumer
    assert await code(service, anna) == "ok"
    blocked = UserBlocked(user_id=anna, blocked=True, at=moment - timedelta(minutes=1))
    await consume(consumer, blocked)
    await becomes(service, anna, "401 account_blocked")  # also one issued by a clock ahead of ours
    assert await code(service, anna, iat=before) == "401 account_blocked"
    assert await code(service, uuid4()) == "ok"
    await consume(
        consumer, delivery(UserBlocked(user_id=anna, blocked=False, at=moment), sequence=2)
    )
    await becomes(service, anna, "ok", iat=int(moment.timestamp()))
    assert await code(service, anna, iat=before) == "401 invalid_token"
    await consume(consumer, delivery(blocked, sequence=3))  # the older one once more, by a replay
    async with service.engine.connect() as connection:
        found = await connection.exec_driver_sql("select is_blocked from kit.refused_user")
        assert found.scalar_one() is False


async def test_erased_people_and_old_marks(service: Running) -> None:
    spammer, gone = uuid4(), uuid4()
    async with service.messaging.transactions() as tx:
        await refusals.note_erased(tx, gone, now())
    await becomes(service, gone, "401 invalid_token")
    async with service.messaging.transactions() as tx:
        await tx.exec_driver_sql("update kit.refused_user set noted_at = now() - interval '2 days'")
        await refusals.note_block(tx, spammer, is_blocked=True, at=now() - timedelta(days=2))
        await refusals.forget_old(tx)
        left = await tx.exec_driver_sql("select user_id from kit.refused_user")
        assert [row.user_id for row in left] == [spammer]


async def test_each_process_has_the_marks_in_memory(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = uuid4(), uuid4()
    # Not the service's own engine: it looks by itself as well.
    engine = make_engine(service.engine.url.render_as_string(hide_password=False))
    fresh, other = Verifier(engine, ISSUER), Refusals(service.engine)
    with counted(engine) as statements:
        for _ in range(20):
            await fresh.verify(token_for(anna))
    assert len([one for one in statements if "refused_user" in one]) == 1
    async with service.messaging.transactions() as tx:
        await refusals.note_block(tx, anna, is_blocked=True, at=now())
    restarted = Verifier(service.engine, ISSUER)
    with pytest.raises(AccountBlocked):
        await restarted.verify(token_for(anna))
    # A process that is not woken looks by itself, and a request does if that has long failed.
    assert (await fresh.verify(token_for(anna))).user_id == anna
    monkeypatch.setattr(refusals, "TRUSTED_SECONDS", 0.0)
    with pytest.raises(AccountBlocked):
        await fresh.verify(token_for(anna))
    monkeypatch.undo()
    monkeypatch.setattr(refusals, "RELOAD_SECONDS", 0.05)
    task = asyncio.create_task(other.keep_fresh())

    async def has_loaded() -> bool:
        return bool(other._marks)

    await eventually(has_loaded, what="the marks are loaded")
    refusals._wakes.clear()
    async with service.messaging.transactions() as tx:
        await refusals.note_block(tx, ben, is_blocked=True, at=now())

    async def is_marked() -> bool:
        return ben in other._marks

    await eventually(is_marked, what="the other process has loaded the mark")
    task.cancel()
    await engine.dispose()
