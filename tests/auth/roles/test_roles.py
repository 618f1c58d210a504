"""An employer profile makes its owner an employer, once, however often the event arrives."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hirewire.auth.roles.commands import NoSuchUser, make_employer
from hirewire.contracts.vacancies import EmployerProfileCreated
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.testing import bodies, consume, delivery, recorded
from tests.auth.conftest import Auth
from tests.builders import eventually


def employer_created(user_id: UUID) -> EmployerProfileCreated:
    """The event as `vacancies` publishes it."""
    return EmployerProfileCreated(user_id=user_id, company_id=uuid4(), phone=None)


async def dead(auth: Auth) -> list[str | None]:
    """The errors of messages that could not be handled."""
    async with auth.service.messaging.transactions() as tx:
        return [message.error for message in await dead_letters.open_messages(tx)]


async def test_an_applicant_becomes_an_employer(auth: Auth) -> None:
    id = await auth.register()
    token = (await auth.login())["accessToken"]
    await consume(auth.service.messaging.consumer, employer_created(id))
    assert (await auth.me(token)).json()["role"] == "employer"
    [row] = await recorded(auth.service.engine, "user.role_changed")
    assert row.body == {"userId": str(id), "role": "employer", "previousRole": "applicant"}
    assert row.key == str(id)


async def test_a_repeated_event_changes_the_role_once(auth: Auth) -> None:
    id = await auth.register()
    consumer = auth.service.messaging.consumer
    once = delivery(employer_created(id))
    await consume(consumer, once, once)
    await consume(consumer, once)
    await consume(consumer, delivery(employer_created(id), sequence=2))
    external = Delivery(body=employer_created(id).body(), routing_key="employer.profile.created")
    await consume(consumer, external)
    assert len(await recorded(auth.service.engine, "user.role_changed")) == 1
    assert await dead(auth) == []


async def test_an_admin_stays_an_admin(auth: Auth) -> None:
    id = await auth.register()
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("update user_account set role = 'admin'")
    await consume(auth.service.messaging.consumer, employer_created(id))
    assert await auth.rows("select role, role_besides from user_account") == [("admin", "employer")]
    assert bodies(await recorded(auth.service.engine, "user.role_changed")) == []


async def test_an_unknown_user_is_a_dead_letter_and_blocks_no_other_event(auth: Auth) -> None:
    id, nobody = await auth.register(), uuid4()
    await consume(auth.service.messaging.consumer, employer_created(nobody), employer_created(id))
    [error] = await dead(auth)
    assert error is not None
    assert str(nobody) in error
    assert await auth.rows("select role from user_account") == [("employer",)]


async def test_concurrent_events_change_the_role_once(auth: Auth) -> None:
    """The second one waits for the first, and then finds an employer."""
    id = await auth.register()

    async def make() -> bool:
        async with auth.service.messaging.transactions() as tx:
            return await make_employer(tx, id)

    async def waits() -> bool:
        return await auth.rows("select count(*) > 0 from pg_locks where not granted") == [(True,)]

    async with auth.service.messaging.transactions() as tx:
        assert await make_employer(tx, id)
        second = asyncio.create_task(make())
        await eventually(waits, what="the second to wait")
    assert not await second
    assert len(await recorded(auth.service.engine, "user.role_changed")) == 1


async def test_an_unknown_user_cannot_become_an_employer(auth: Auth) -> None:
    async with auth.service.messaging.transactions() as tx:
        with pytest.raises(NoSuchUser):
            await make_employer(tx, uuid4())
