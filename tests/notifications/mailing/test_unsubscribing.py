"""Links in mails that switch off what they are about, and back on."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserErased
from hirewire.kit.clock import now
from hirewire.notifications.kinds import Kind
from hirewire.notifications.mailing import background, rules
from hirewire.notifications.unsubscribing import token
from tests.builders import eventually
from tests.notifications.conftest import Board
from tests.notifications.mailing.conftest import has_taken, serving
from tests.notifications.test_preferences import kinds, preferences

UNSUBSCRIBE = "/api/notifications/unsubscribe"


async def test_one_click_of_a_mail_switches_its_kinds_off(
    known: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BURST", timedelta(seconds=0.3))
    monkeypatch.setattr(background, "POLL_SECONDS", 0.1)
    async with serving(known) as server:
        await known.consume(known.submitted())
        await eventually(lambda: has_taken(server, 2), within=30, what="both have their mail")
        [mail] = server.to("carla@example.org")
        [(id,)] = await known.rows("select id::text from kit.mail where user_id = $1", known.carla)
        assert mail["Message-ID"] == f"<{id}@jobs.example.org>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        address = mail["List-Unsubscribe"].strip("<>")
        assert address.startswith(f"https://jobs.example.org{UNSUBSCRIBE}?token=")
        path = address.removeprefix("https://jobs.example.org")
        client = known.service.client
        for _ in range(2):
            looked = await client.get(path)
            expected = {"email": "c***@example.org", "kinds": ["application_received"]}
            assert looked.json() == expected
        assert await known.rows("select kind from preference") == [], "looking changes nothing"
        page = await client.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 303
        for _ in range(2):
            done = await client.post(path, data={"List-Unsubscribe": "One-Click"})
            assert done.status_code == 200
        stored = "select user_id, kind, mail, push from preference"
        assert await known.rows(stored) == [(known.carla, "application_received", "off", True)]
        known.application = uuid4()
        await known.consume(known.submitted(), known.written("applicant"))
        await eventually(lambda: has_taken(server, 4), within=60, what="the next mails")
    subjects = [one["Subject"] for one in server.to("carla@example.org")]
    assert subjects[1] == "New message about “Cook”"


async def test_an_undo_restores_how_often_mails_came(known: Board) -> None:
    """However often the link is used; what was off before stays off."""
    [(key,)] = await known.rows(
        "select unsubscribe_key from person where user_id = $1", known.carla
    )
    chosen: list[dict[str, Any]] = [
        {"kind": "message", "mail": "weekly", "push": True},
        {"kind": "recommended_candidate", "mail": "hourly", "push": True},
        {"kind": "application_received", "mail": "off", "push": True},
    ]
    await preferences(known, known.carla, {"kinds": chosen})
    names = [one["kind"] for one in chosen] + ["application_answered"]
    before = {name: one for name, one in (await kinds(known, known.carla)).items() if name in names}
    link = {"token": token(known.carla, UUID(str(key)), cast(list[Kind], names))}
    client = known.service.client
    for times in (1, 2):
        for _ in range(times):
            assert (await client.post(UNSUBSCRIBE, params=link)).status_code == 200
        off = await kinds(known, known.carla)
        assert {off[name] for name in names} == {("off", True)}
        for _ in range(times):
            assert (await client.post(f"{UNSUBSCRIBE}/undo", params=link)).status_code == 200
        after = await kinds(known, known.carla)
        assert {name: after[name] for name in names} == before
    # What is chosen on the page meanwhile is what counts.
    await client.post(UNSUBSCRIBE, params=link)
    await preferences(known, known.carla, {"kinds": [chosen[0] | {"mail": "daily"}]})
    await client.post(f"{UNSUBSCRIBE}/undo", params=link)
    assert (await kinds(known, known.carla))["message"] == ("daily", True)


async def test_unsubscribing_is_undone(known: Board) -> None:
    [(key,)] = await known.rows(
        "select unsubscribe_key from person where user_id = $1", known.carla
    )
    link = {"token": token(known.carla, UUID(str(key)), ["message", "recommended_candidate"])}
    client, stored = known.service.client, "select kind, mail, push from preference order by kind"
    body = {"kinds": [{"kind": "message", "mail": "weekly", "push": False}]}
    headers = known.service.as_user(known.carla)
    chosen = await client.put("/api/notifications/preferences", json=body, headers=headers)
    assert chosen.status_code == 200
    undone = await client.post(f"{UNSUBSCRIBE}/undo", params=link)
    assert undone.status_code == 200
    assert await known.rows(stored) == [("message", "weekly", False)], "it was not off"
    await client.post(UNSUBSCRIBE, params=link)
    assert [row[1] for row in await known.rows(stored)] == ["off", "off"]
    for _ in range(2):
        undone = await client.post(f"{UNSUBSCRIBE}/undo", params=link)
        assert undone.json()["kinds"] == ["message", "recommended_candidate"]
        assert await known.rows(stored) == [("message", "weekly", False)], "as it was"
    forged = await client.post(f"{UNSUBSCRIBE}/undo", params={"token": link["token"][:-2]})
    assert forged.status_code == 404


async def test_forged_links_switch_nothing_off(known: Board) -> None:
    [(key,)] = await known.rows(
        "select unsubscribe_key from person where user_id = $1", known.carla
    )
    good = token(known.carla, UUID(str(key)), ["message"])
    other = token(known.dan, UUID(str(key)), ["message"])
    longer = token(known.carla, uuid4(), ["message", "invitation"])
    forged = ("B" if good[0] == "A" else "A") + good[1:]
    for one in ("", "x", "é", good[:-2], good[:30], good + "aQ", forged, other, longer):
        for method in ("GET", "POST"):
            answer = await known.service.client.request(method, UNSUBSCRIBE, params={"token": one})
            assert answer.status_code == 404, one
            assert answer.json()["code"] == "unsubscribe_link_invalid"
    assert await known.rows("select kind from preference") == []
    await known.consume(UserErased(user_id=known.carla, erasure_id=uuid4(), erased_at=now()))
    gone = await known.service.client.post(UNSUBSCRIBE, params={"token": good})
    assert gone.status_code == 404
