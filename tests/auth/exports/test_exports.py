"""Exports in `auth`: asked for, made, downloaded by the person alone, and gone after a day."""

import asyncio
import json
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from hirewire.auth.app import SERVICE
from hirewire.auth.exports import rules
from hirewire.auth.exports.background import end_step
from hirewire.contracts.notifications import NotificationsExported
from hirewire.contracts.profiles import ProfilesExported
from hirewire.contracts.vacancies import VacanciesExported
from hirewire.kit.clock import now
from hirewire.kit.exports import grants, parts
from hirewire.kit.exports.maker import PartMaker
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Letter
from hirewire.kit.secrets import unseal
from hirewire.messaging.testing import consume, recorded
from tests.auth.conftest import Auth, MovedClock


class Exporting:
    """A person who exports data, with the service's own maker."""

    def __init__(self, auth: Auth, token: str) -> None:
        self.auth = auth
        self.headers = {"Authorization": f"Bearer {token}", "Accept-Language": "ru"}
        assert SERVICE.exports is not None
        transactions = auth.service.messaging.transactions
        self.maker = PartMaker("auth", transactions, SERVICE.exports)

    async def call(
        self, method: str, path: str = "", body: object = None, *, expect: int = 200
    ) -> Any:
        answer = await self.auth.client.request(
            method, f"/api/auth/exports{path}", json=body, headers=self.headers
        )
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def ask(self) -> dict[str, Any]:
        asked: dict[str, Any] = await self.call("POST", expect=202)
        return asked

    async def newest(self) -> dict[str, Any]:
        return dict((await self.call("GET"))["items"][0])

    async def others_are_done(self, id: str, user_id: UUID) -> None:
        made = {"export_id": UUID(id), "user_id": user_id, "made_at": now()}
        consumer = self.auth.service.messaging.consumer
        others = (ProfilesExported, VacanciesExported, NotificationsExported)
        await consume(consumer, *(one(**made) for one in others))

    async def grant(self, token: str) -> str:
        """The permission to read the parts."""
        opened = await self.call("POST", "/open", {"token": token, "download": True})
        return str(opened["grant"])

    async def mailed_token(self) -> str:
        """The token of the newest link, from the queue of mails."""
        async with self.auth.service.messaging.transactions() as tx:
            mails = await queue.claim(tx, 100)
        letters = [Letter.from_json(unseal(mail.content, queue.PURPOSE)) for mail in mails]
        [letter] = [one for one in letters if one.button and "export" in one.button[1]]
        assert letter.subject == "Копия ваших данных готова"
        assert letter.button is not None
        [token] = re.findall(r"/account/export\?token=([\w-]{43})$", letter.button[1])
        return str(token)


async def _somebody(auth: Auth, email: str) -> tuple[UUID, Exporting]:
    id = await auth.register(email)
    body = {"email": email, "password": "correct horse battery"}
    answer = await auth.client.post("/api/auth/login", json=body, headers={"Accept-Language": "ru"})
    return id, Exporting(auth, answer.json()["accessToken"])


@pytest.fixture
async def anna(auth: Auth) -> tuple[UUID, Exporting]:
    return await _somebody(auth, "anna@example.org")


async def _ready(id: UUID, anna: Exporting) -> str:
    """The id of an export that is ready."""
    asked = await anna.ask()
    assert await anna.maker.step()
    await anna.others_are_done(asked["id"], id)
    return str(asked["id"])


async def _file(auth: Auth, id: str, grant: str, path: str) -> httpx.Response:
    return await auth.client.get(f"/api/auth/exports/{id}{path}", params={"grant": grant})


async def test_asked_made_and_opened(auth: Auth, anna: tuple[UUID, Exporting]) -> None:
    id, person = anna
    asked = await person.ask()
    assert asked["state"] == "running"
    assert asked["waitingFor"] == ["auth", "notifications", "profiles", "vacancies"]
    assert await person.maker.step()
    assert not await person.maker.step()
    assert (await person.newest())["waitingFor"] == ["notifications", "profiles", "vacancies"]
    await person.call("POST", "/link", expect=404)
    await person.others_are_done(asked["id"], id)
    await person.others_are_done(asked["id"], id)  # a repeated event changes nothing
    ready = await person.newest()
    assert (ready["state"], ready["waitingFor"]) == ("ready", [])

    token = await person.mailed_token()
    seen = await person.call("POST", "/open", {"token": token})
    assert seen["grant"] is None
    opened = await person.call("POST", "/open", {"token": token, "download": True})
    assert opened["services"] == ["auth", "notifications", "profiles", "vacancies"]
    listed = (await _file(auth, asked["id"], opened["grant"], "")).json()
    assert [file["path"] for file in listed["files"]] == ["account.json"]
    content = await _file(auth, asked["id"], opened["grant"], "/files/0")
    assert int(content.headers["content-length"]) == listed["files"][0]["size"]
    found = json.loads(content.content)
    assert found["account"]["email"] == "anna@example.org"
    assert "passwordHash" not in found["account"]
    assert len(found["sessions"]) == 1
    assert [mail["kind"] for mail in found["mails"]] == ["email_verification"]
    stored = await auth.rows("select content from kit.export_piece")
    assert stored
    assert not any(b"anna" in bytes(piece) for (piece,) in stored)

    events = await recorded(auth.service.engine)
    kinds = [event.type for event in events if "export" in event.type]
    assert kinds == ["user.export_requested", "user.export_finished"]
    assert not any(token in json.dumps(event.body) for event in events)
    acts = await auth.rows("select what from security_event order by at")
    assert [what for (what,) in acts][-2:] == ["export_asked", "export_downloaded"]
    by_page = (await person.call("POST", "/link"))["token"]
    for one in (by_page, token):  # the link of the mail stays valid
        await person.call("POST", "/open", {"token": one})


async def test_one_from_before_a_service_was_added_has_no_part_of_it(
    auth: Auth, anna: tuple[UUID, Exporting], monkeypatch: pytest.MonkeyPatch
) -> None:
    id, person = anna
    with monkeypatch.context() as older:
        older.setattr(rules, "SERVICES", ("auth", "profiles", "vacancies"))
        asked = await person.ask()
    assert await person.maker.step()
    await person.others_are_done(asked["id"], id)  # `notifications` too: it is not waited for
    assert (await person.newest())["state"] == "ready"
    opened = await person.call("POST", "/open", {"token": await person.mailed_token()})
    assert opened["services"] == ["auth", "profiles", "vacancies"]


async def test_nobody_else_opens_it(auth: Auth, anna: tuple[UUID, Exporting]) -> None:
    id, person = anna
    export_id = await _ready(id, person)
    token = await person.mailed_token()
    grant = await person.grant(token)
    _, boris = await _somebody(auth, "boris@example.org")
    await boris.call("POST", "/open", {"token": token}, expect=410)
    await boris.call("POST", "/link", expect=404)
    assert (await boris.call("GET"))["items"] == []
    for wrong in ("", token[:-1], "x" * 1000):
        await person.call("POST", "/open", {"token": wrong}, expect=410)
    await person.call("POST", "/open", {"token": "x" * 1001}, expect=422)
    nobody = await auth.client.post("/api/auth/exports/open", json={"token": token})
    assert nobody.status_code == 401

    until, _, mark = grant.partition(".")
    foreign = grants.grant(uuid4())
    for bad in ("", ".", "9" * 90, f"{int(until) + 1}.{mark}", f"{until}.", f"²{grant}", foreign):
        assert (await _file(auth, export_id, bad, "")).status_code == 404
        assert (await _file(auth, export_id, bad, "/files/0")).status_code == 404
    assert (await _file(auth, export_id, "9" * 101, "")).status_code == 422
    assert (await _file(auth, export_id, grant, "/files/7")).status_code == 404

    others = {"Authorization": person.headers["Authorization"]}
    await auth.client.post("/api/auth/logout", headers=others)
    await person.call("POST", "/open", {"token": token}, expect=401)


async def test_it_is_gone_after_a_day(
    auth: Auth, anna: tuple[UUID, Exporting], clock: MovedClock
) -> None:
    id, person = anna
    export_id = await _ready(id, person)
    token = await person.mailed_token()
    grant = await person.grant(token)
    clock.forward(minutes=61)
    assert (await _file(auth, export_id, grant, "")).status_code == 404
    person = Exporting(auth, (await auth.login())["accessToken"])
    grant = await person.grant(token)
    clock.forward(hours=22, minutes=58)
    person = Exporting(auth, (await auth.login())["accessToken"])
    await person.call("POST", "/open", {"token": token})
    clock.forward(minutes=2)
    await person.call("POST", "/open", {"token": token}, expect=410)
    fresh = grants.grant(UUID(export_id))
    for path in ("", "/files/0"):
        assert (await _file(auth, export_id, fresh, path)).status_code == 404
    assert (await person.newest())["state"] == "expired"
    assert await auth.rows("select 1 from kit.export_piece")
    assert not await person.maker.step()
    for table in ("export_part", "export_file", "export_piece"):
        assert await auth.rows(f"select 1 from kit.{table}") == []


async def test_one_at_a_time_and_few_a_day(
    auth: Auth, anna: tuple[UUID, Exporting], clock: MovedClock
) -> None:
    id, person = anna
    asked = await asyncio.gather(*(person.ask() for _ in range(5)))
    assert len({one["id"] for one in asked}) == 1
    assert len(await auth.rows("select id from data_export")) == 1
    first = str(asked[0]["id"])
    await person.maker.step()
    await person.others_are_done(first, id)
    second = await _ready(id, person)
    states = {one["id"]: one["state"] for one in (await person.call("GET"))["items"]}
    assert states == {first: "expired", second: "ready"}, "the newest replaces the one before"
    await person.maker.step()
    assert {str(row[0]) for row in await auth.rows("select export_id from kit.export_part")} == {
        second
    }
    await _ready(id, person)
    refused = await person.call("POST", expect=429)
    assert refused["code"] == "too_many_exports"
    assert 0 < refused["params"]["seconds"] <= 86_400
    clock.forward(hours=24)
    person = Exporting(auth, (await auth.login())["accessToken"])
    await person.ask()


async def test_a_killed_maker_is_followed_by_another(
    auth: Auth, anna: tuple[UUID, Exporting], clock: MovedClock
) -> None:
    id, person = anna
    transactions = auth.service.messaging.transactions
    asked = await person.ask()
    async with transactions() as tx:
        killed = await parts.claim(tx)
    assert killed is not None
    async with transactions() as tx:
        await parts.add(tx, killed, [], [parts.Piece(0, 0, b"half")])
    assert not await person.maker.step(), "the lease has not ended"
    clock.forward(seconds=61)
    async with transactions() as tx:
        assert await parts.claim(tx) is not None
    with pytest.raises(parts.Overtaken):  # it was only slow, and another one is at work
        async with transactions() as tx:
            await parts.add(tx, killed, [], [parts.Piece(0, 1, b"half")])
    async with transactions() as tx:
        await parts.put_back(tx, killed)
    clock.forward(seconds=59)
    assert not await person.maker.step(), "the other one goes on"
    clock.forward(seconds=2)
    assert await person.maker.step()
    with pytest.raises(parts.Overtaken):
        async with transactions() as tx:
            await parts.add(tx, killed, [], [parts.Piece(0, 9, b"late")])
    with pytest.raises(parts.Overtaken):
        async with transactions() as tx:
            await parts.finish(tx, killed)
    await person.others_are_done(asked["id"], id)
    assert await auth.rows("select path from kit.export_file") == [("account.json",)]
    assert len(await auth.rows("select 1 from kit.export_piece")) == 1
    assert (await person.newest())["state"] == "ready"


async def test_a_service_that_never_comes_back(
    auth: Auth, anna: tuple[UUID, Exporting], clock: MovedClock
) -> None:
    id, person = anna
    asked = await person.ask()
    await person.maker.step()
    clock.forward(days=3, seconds=-60)
    assert not await end_step(auth.service.messaging.transactions)
    clock.forward(seconds=61)
    assert await end_step(auth.service.messaging.transactions)
    assert not await end_step(auth.service.messaging.transactions)
    person = Exporting(auth, (await auth.login())["accessToken"])
    assert (await person.newest())["state"] == "failed"
    await person.others_are_done(asked["id"], id)
    assert (await person.newest())["state"] == "failed"
    await person.maker.step()
    assert await auth.rows("select 1 from kit.export_part") == []
    await person.ask()


async def test_a_deleted_person_has_no_part(auth: Auth, anna: tuple[UUID, Exporting]) -> None:
    id, person = anna
    export_id = await _ready(id, person)
    transactions = auth.service.messaging.transactions
    async with transactions() as tx:
        assert await parts.forget(tx, id) == 1
        assert await parts.files_of(tx, UUID(export_id)) is None
        with pytest.raises(parts.Overtaken):
            await parts.content_of(tx, UUID(export_id), 0, 0)


async def test_a_request_from_long_ago_makes_nothing(auth: Auth) -> None:
    """A service that was away for days: nobody waits for its part."""
    async with auth.service.messaging.transactions() as tx:
        await parts.request(tx, uuid4(), uuid4(), "en", now() - parts.KEPT)
    assert await auth.rows("select 1 from kit.export_part") == []
