"""Becoming an employer: at once, with the same token, by local data."""

import asyncio

import pytest

from hirewire.messaging.testing import recorded
from tests.vacancies.conftest import VACANCY, Person


async def test_the_same_token_hires_at_once(anna: Person) -> None:
    refused = await anna.call("POST", "/vacancies", VACANCY, expect=403)
    assert refused["type"].endswith("not-an-employer")
    made = await anna.hire()
    assert made == {"userId": str(anna.id), "companyId": made["companyId"]}
    await anna.call("POST", "/vacancies", VACANCY, expect=201)
    assert (await anna.call("GET", "/activity"))["items"] == []
    [event] = await recorded(anna.service.engine)
    assert event.type == "employer.profile.created"
    assert event.body == {
        "userId": str(anna.id),
        "companyId": made["companyId"],
        "phone": "+7 (921) 000-00-00",
        "companyName": "Acme",
    }


async def test_a_role_in_a_token_gives_nothing(anna: Person) -> None:
    headers = anna.service.as_user(anna.id, role="employer")
    answer = await anna.service.client.get("/api/vacancies/activity", headers=headers)
    assert answer.status_code == 403


async def test_the_phone_may_be_missing(anna: Person) -> None:
    await anna.call("POST", "/employer-profile", {"companyName": "Acme"}, expect=201)
    [event] = await recorded(anna.service.engine)
    assert event.body["phone"] is None


async def test_one_profile_a_person_however_hard_they_try(anna: Person) -> None:
    body = {"companyName": "Acme", "phone": None}

    async def attempt() -> int:
        answer = await anna.service.client.post(
            "/api/vacancies/employer-profile", json=body, headers=anna.service.as_user(anna.id)
        )
        return answer.status_code

    statuses = await asyncio.gather(*(attempt() for _ in range(10)))
    assert sorted(statuses) == [201] + [409] * 9
    assert len(await recorded(anna.service.engine)) == 1


async def test_a_repeat_under_one_key_gets_the_same_answer(anna: Person) -> None:
    body = {"companyName": "Acme", "phone": None}
    key = {"Idempotency-Key": "once"}
    first = await anna.call("POST", "/employer-profile", body, expect=201, **key)
    assert await anna.call("POST", "/employer-profile", body, expect=201, **key) == first
    profile = await anna.call("GET", "/employer-profile")
    assert (profile["companyName"], profile["phone"]) == ("Acme", None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"companyName": ""},
        {"companyName": "x" * 201},
        {"companyName": "a\u0000b"},
        {"companyName": "x", "phone": "call me"},
        {"companyName": "x", "phone": "12"},
        {"companyName": "x", "companyId": "y"},
    ],
)
async def test_bad_input_is_refused(anna: Person, body: object) -> None:
    await anna.call("POST", "/employer-profile", body, expect=422)
    assert await recorded(anna.service.engine) == []
