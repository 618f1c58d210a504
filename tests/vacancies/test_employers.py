"""Becoming an employer: immediately, with the same token, decided by local data."""

import asyncio
from uuid import UUID, uuid4

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


async def test_a_person_can_create_one_company_only(anna: Person) -> None:
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


async def test_phones_are_taken_as_people_write_them(anna: Person) -> None:
    for said, kept in (
        ("+79210000000", "+79210000000"),
        (" 8 (812) 555-35-35 ", "8 (812) 555-35-35"),
        ("+44\u00a020 7946\n0958", "+44 20 7946 0958"),
        ("112.45", "112.45"),
        ("1" * 20, "1" * 20),
    ):
        person = Person(anna.service, uuid4())
        body = {"companyName": "Acme", "phone": said}
        await person.call("POST", "/employer-profile", body, expect=201)
        assert (await person.call("GET", "/employer-profile"))["phone"] == kept


BAD: list[object] = [
    {},
    {"companyName": None},
    {"companyName": 5},
    {"companyName": "  "},
    {"companyName": "x", "phone": 89210000000},
    {"companyName": "x", "phone": "1" * 21},
    {"companyName": "x", "phone": "+7 921 + 5"},
    {"companyName": "x", "phone": "٠١٢٣٤٥٦"},
    [],
    {"companyName": ""},
    {"companyName": "x" * 201},
    {"companyName": "a\u0000b"},
    {"companyName": "x", "phone": "call me"},
    {"companyName": "x", "phone": "12"},
    {"companyName": "x", "companyId": "y"},
]


async def test_bad_input_is_refused(anna: Person) -> None:
    for body in BAD:
        await anna.call("POST", "/employer-profile", body, expect=422)
    assert await recorded(anna.service.engine) == []


async def test_companies_are_found_by_name_and_by_id(anna: Person, boris: Person) -> None:
    acme = (await anna.hire("Acme 100%"))["companyId"]
    north = (await boris.hire("Северный Полюс"))["companyId"]

    async def found(query: str) -> list[str]:
        listed = await anna.call("GET", f"/companies?{query}")
        return [one["name"] for one in listed["items"]]

    assert await found("q=северн") == ["Северный Полюс"]
    assert await found("q=0%25") == ["Acme 100%"]
    assert await found("q=__") == []
    assert await found("q=a") == []
    assert await found("") == []
    assert await found(f"id={north}&id={acme}&id={UUID(int=1)}") == ["Acme 100%", "Северный Полюс"]
    assert (await anna.call("GET", f"/companies/{acme}"))["name"] == "Acme 100%"
    await anna.call("GET", f"/companies/{UUID(int=1)}", expect=404)
    await anna.call("GET", "/companies?id=x", expect=422)
