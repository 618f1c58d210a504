"""Profiles: created by consuming a registration, changed by their owner."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from hirewire.contracts.auth import UserEmailChanged, UserRegistered
from hirewire.messaging.testing import bodies, consume, recorded
from tests.profiles.conftest import Person


async def registered(person: Person) -> None:
    event = UserRegistered(id=person.id, email="anna@example.org")
    await consume(person.service.messaging.consumer, event)


async def test_a_registration_creates_a_profile(anna: Person) -> None:
    missing = await anna.call("GET", "/me", expect=404)
    assert missing["type"].endswith("no-profile-yet")
    await registered(anna)
    profile = await anna.call("GET", "/me")
    assert (profile["userId"], profile["fullName"]) == (str(anna.id), "anna@example.org")


async def test_consuming_a_registration_twice_makes_one_profile(anna: Person) -> None:
    for _ in range(2):  # two facts with two ids, as from an external publisher that repeats itself
        await registered(anna)
    assert len(await recorded(anna.service.engine, "profile.updated")) == 1


async def test_a_name_given_is_not_overwritten_by_a_repeat(anna: Person) -> None:
    await registered(anna)
    await anna.call("PATCH", "/me", {"fullName": "Анна К."})
    await registered(anna)
    assert (await anna.call("GET", "/me"))["fullName"] == "Анна К."


async def test_a_changed_address_replaces_the_old_one_in_order(anna: Person) -> None:
    await registered(anna)
    start = datetime(2026, 11, 1, tzinfo=UTC)

    async def changed(email: str, hours: int) -> dict[str, Any]:
        at = start + timedelta(hours=hours)
        event = UserEmailChanged(user_id=anna.id, email=email, at=at)
        await consume(anna.service.messaging.consumer, event)
        found: dict[str, Any] = await anna.call("GET", "/me")
        return found

    first = await changed("second@example.org", 1)
    assert (first["fullName"], first["accountEmail"]) == ("second@example.org",) * 2
    await anna.call("PATCH", "/me", {"fullName": "Анна К."})
    third = await changed("third@example.org", 2)
    assert (third["fullName"], third["accountEmail"]) == ("Анна К.", "third@example.org")
    assert await changed("second@example.org", 1) == third, "a replayed event changes nothing"
    assert await changed("third@example.org", 2) == third
    await registered(anna)
    assert (await anna.call("GET", "/me"))["accountEmail"] == "third@example.org"
    events = bodies(await recorded(anna.service.engine, "profile.updated"))
    assert [event["changed"] for event in events] == [
        *(["fullName"], ["accountEmail", "fullName"], ["fullName"], ["accountEmail"]),
    ]
    assert "example.org" not in str(events)


async def test_change_events_name_fields_but_never_values(anna: Person) -> None:
    await registered(anna)
    phone = "+7 900 000"
    contacts = [{"kind": "phone", "value": phone, "preferred": True}]
    changed = await anna.call("PATCH", "/me", {"contacts": contacts, "headline": "Developer"})
    assert changed["contacts"] == contacts
    again = await anna.call("PATCH", "/me", {"headline": "Developer"})
    assert again["version"] == changed["version"] == 2
    events = bodies(await recorded(anna.service.engine, "profile.updated"))
    assert [event["changed"] for event in events] == [["fullName"], ["contacts", "headline"]]
    assert phone not in str(events)


@pytest.mark.parametrize(
    "body",
    [
        {"fullName": ""},
        {"fullName": None},
        {"fullName": "x" * 201},
        {"fullName": "a\u0000b"},
        {"unknown": 1},
        {"locale": "russian"},
        {"links": [{"url": "javascript:alert(1)"}]},
        {"contacts": [{"kind": "pigeon", "value": "x"}]},
        {"contacts": [{"kind": "phone", "value": "1\u0000"}]},
        [],
    ],
)
async def test_bad_input_is_named_and_changes_nothing(anna: Person, body: object) -> None:
    await registered(anna)
    answer = await anna.call("PATCH", "/me", body, expect=422)
    assert answer["errors"][0]["pointer"].startswith("#")
    assert (await anna.call("GET", "/me"))["version"] == 1


async def test_invalid_tokens_are_refused(anna: Person) -> None:
    client = anna.service.client
    for claims in (
        {"exp": 1},
        {"aud": "others"},
        {"iss": "https://elsewhere.example"},
        {"sub": "nobody"},
        {"iat": 99999999999},
    ):
        headers = anna.service.as_user(uuid4(), **claims)
        answer = await client.get("/api/profiles/me", headers=headers)
        assert answer.status_code == 401
        assert "invalid_token" in answer.headers["www-authenticate"]
    for value in ("Bearer", "Basic eDp5", "Bearer x.y.z", "Bearer " + "x" * 9000):
        answer = await client.get("/api/profiles/me", headers={"Authorization": value})
        assert answer.status_code == 401
    assert (await client.get("/api/profiles/me")).headers["www-authenticate"].startswith("Bearer")
