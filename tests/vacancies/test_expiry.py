"""Vacancies are closed after their last day."""

import asyncio

from hirewire.vacancies.posting import background
from tests.vacancies.conftest import Person


async def test_vacancies_after_their_last_day_are_closed(anna: Person) -> None:
    await anna.hire()
    ids = [await anna.vacancy() for _ in range(5)]
    for id in ids[:4]:
        await anna.call("POST", f"/vacancies/{id}/publish")
    await anna.call("POST", f"/vacancies/{ids[1]}/pause")
    transactions = anna.service.messaging.transactions
    async with transactions() as tx:
        await tx.exec_driver_sql(
            "update vacancy set valid_through = (now() at time zone 'utc')::date - 1"
            " where id <> $1",
            (ids[3],),
        )
        await tx.exec_driver_sql(
            "update vacancy set valid_through = (now() at time zone 'utc')::date where id = $1",
            (ids[3],),
        )
    # two processes at once: each vacancy is closed once
    assert any(await asyncio.gather(background.step(transactions), background.step(transactions)))
    while await background.step(transactions):
        pass
    found = [await anna.call("GET", f"/vacancies/{id}") for id in ids]
    assert [one["status"] for one in found] == ["closed"] * 3 + ["published", "draft"]
    assert [one["closeReason"] for one in found] == ["expired"] * 3 + [None] * 2
    closed = [body for name, body in await anna.events() if name == "vacancy.closed"]
    assert sorted(body["vacancyId"] for body in closed) == sorted(ids[:3])
    assert {body["reason"] for body in closed} == {"expired"}
