"""Companies are verified by a code at their own domain, or by hand; a change ends it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hirewire.kit import clock
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Letter
from hirewire.kit.secrets import unseal
from hirewire.vacancies.verifying import commands, rules
from tests.builders import eventually
from tests.vacancies.conftest import Person
from tests.vacancies.test_holds import make_operator

VERIFY = "/employer-profile/verification"


async def mails(person: Person) -> list[Letter]:
    async with person.service.engine.connect() as connection:
        rows = await connection.exec_driver_sql("select content from kit.mail order by id")
        return [Letter.from_json(unseal(row.content, queue.PURPOSE)) for row in rows]


async def code_for(person: Person, address: str = "hr@acme.example") -> str:
    await person.call("POST", VERIFY, {"address": address}, expect=202)
    letter = (await mails(person))[-1]
    assert (letter.to.lower(), letter.code is None) == (address.lower(), False)
    return str(letter.code)


async def confirm(person: Person, code: str, expect: int = 204) -> None:
    answer = await person.call("POST", f"{VERIFY}/code", {"code": code}, expect=expect)
    assert expect == 204 or answer["code"] == "wrong_company_code"


async def change(person: Person, **changes: Any) -> Any:
    return await person.call("PATCH", "/employer-profile", changes)


async def own_website(person: Person) -> str:
    company = (await person.hire())["companyId"]
    await change(person, site="https://www.Acme.example/")
    return str(company)


async def test_a_code_at_the_own_domain_verifies_until_name_or_website_change(
    anna: Person, boris: Person
) -> None:
    company = await own_website(anna)
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    code = await code_for(anna, "HR@acme.EXAMPLE")
    wrong = f"{(int(code) + 1) % 10**6:06}"
    await confirm(anna, wrong, expect=410)
    await confirm(anna, f" {code[:3]} {code[3:]} ")
    await confirm(anna, code, expect=410)  # once
    shown = await boris.call("GET", f"/companies/{company}")
    assert (shown["verified"]["by"], shown["verified"]["domain"]) == ("mail", "acme.example")
    assert (await boris.call("GET", f"/vacancies/{id}"))["companyVerified"] is True

    async def marked_in_search() -> list[bool]:
        found = (await boris.call("GET", "/vacancies?q=backend"))["items"]
        return [one["companyVerified"] for one in found]

    assert await eventually(marked_in_search) == [True]

    await change(anna, description="We sail.", phone=None, companyName="Acme")
    assert (await boris.call("GET", f"/companies/{company}"))["verified"] is not None
    after = await change(anna, companyName="Gazprom")
    assert (after["verified"], after["markLost"]) == (None, "changed")
    assert (await boris.call("GET", f"/vacancies/{id}"))["companyVerified"] is False
    code = await code_for(anna)
    await change(anna, site="https://other.example")
    await confirm(anna, code, expect=410)  # it was for the former website
    await change(anna, site="https://acme.example")
    await confirm(anna, code)
    assert (await change(anna, site=None))["markLost"] == "changed"
    # neither the code nor the address stands in the tables
    async with anna.service.engine.connect() as connection:
        for table in ("company_code", "company_mail", "messaging.log"):
            rows = await connection.exec_driver_sql(f"select t::text from {table} t")
            assert not [row for row in rows if "hr@" in row[0] or code in row[0]]


@pytest.mark.parametrize(
    ("site", "address", "expected"),
    [
        (None, "hr@acme.example", (409, "no_own_domain")),
        ("https://gmail.com", "anna@gmail.com", (409, "no_own_domain")),
        ("https://social.example/acme", "hr@social.example", (409, "no_own_domain")),
        ("https://acme.example", "anna@gmail.com", (422, "free_mail")),
        ("https://acme.example", "hr@evil.example", (422, "other_domain")),
        ("https://acme.example", "hr@mail.acme.example", (422, "other_domain")),
        ("https://acme.example", "hr@notacme.example", (422, "other_domain")),
        ("https://acme.example", "hr@acme.example\nBcc: x@y.example", (422, "email_invalid")),
        ("https://acme.example", "", (422, "email_invalid")),
    ],
)
async def test_only_an_address_at_the_own_domain_gets_a_code(
    anna: Person, site: str | None, address: str, expected: tuple[int, str]
) -> None:
    await anna.hire()
    await change(anna, site=site)
    status, code = expected
    refused = await anna.call("POST", VERIFY, {"address": address}, expect=status)
    assert (refused["errors"][0]["code"] if status == 422 else refused["code"]) == code
    assert await mails(anna) == []


def test_the_domain_of_a_website() -> None:
    assert rules.own_domain("https://www.acme.example/") == "acme.example"
    assert rules.own_domain("https://пример.рф") == "xn--e1afmkfd.xn--p1ai"
    for none in (None, "", "https://localhost", "https://acme.example/page", "https://./"):
        assert rules.own_domain(none) is None


async def test_codes_are_few_short_lived_and_not_guessed(
    anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await own_website(anna)
    code = await code_for(anna)
    for n in range(rules.MOST_ATTEMPTS):
        await confirm(anna, f"{(int(code) + 1 + n) % 10**6:06}", expect=410)
    await confirm(anna, code, expect=410)
    first, second = await code_for(anna), await code_for(anna)
    if first != second:
        await confirm(anna, first, expect=410)
    # an address is not flooded by one company, nor by several
    for person in (anna, boris):
        if person is boris:
            await own_website(boris)
        refused = await person.call("POST", VERIFY, {"address": "hr@acme.example"}, expect=429)
        assert refused["code"] == "too_many_company_codes"
    for n in range(rules.OF_COMPANY - rules.TO_ADDRESS):
        await code_for(anna, f"{n}@acme.example")
    await anna.call("POST", VERIFY, {"address": "9@acme.example"}, expect=429)
    # another company's code is none of ours; an old one is none any more
    await confirm(boris, (await mails(anna))[-1].code or "", expect=410)
    last = (await mails(anna))[-1].code or ""
    moment = clock.now() + rules.CODE_LIFE + timedelta(seconds=1)
    monkeypatch.setattr("hirewire.vacancies.verifying.commands.now", lambda: moment)
    await confirm(anna, last, expect=410)


async def test_an_operator_verifies_by_hand_and_withdraws(anna: Person, boris: Person) -> None:
    company, olga = await own_website(anna), Person(anna.service, uuid4())
    await make_operator(olga)
    path = f"/admin/companies/{company}"
    why = {"why": "Seen their papers."}
    for person in (anna, boris):
        for act in ("verify", "unverify"):
            await person.call("POST", f"{path}/{act}", why, expect=403)
        await person.call("GET", "/admin/companies", expect=403)
    await olga.call("POST", f"{path}/unverify", why, expect=409)
    await olga.call("POST", f"{path}/verify", {"why": ""}, expect=422)
    await olga.call("POST", f"{path}/verify", why, expect=204)
    await olga.call("POST", f"{path}/verify", why, expect=409)
    assert (await boris.call("GET", f"/companies/{company}"))["verified"]["by"] == "operator"
    code = await code_for(anna)
    await olga.call("POST", f"{path}/unverify", {"why": "Forged papers."}, expect=204)
    mine = await anna.call("GET", "/employer-profile")
    assert (mine["verified"], mine["markLost"]) == (None, "revoked")
    await confirm(anna, code, expect=410)  # a code from before does not bring it back
    acts = (await olga.call("GET", "/admin/audit"))["items"]
    assert [one["act"] for one in acts] == ["company_unverified", "company_verified"]
    assert acts[0]["why"] == "Forged papers."
    await boris.hire("Zenith")
    names = [one["name"] for one in (await olga.call("GET", "/admin/companies"))["items"]]
    assert names == ["Zenith", "Acme"]
    [one] = (await olga.call("GET", "/admin/companies?q=acm"))["items"]
    assert (one["id"], one["verifiedAt"]) == (company, None)


async def test_the_codes_of_an_erased_owner_are_deleted(anna: Person, boris: Person) -> None:
    await own_website(anna)
    await code_for(anna)
    async with anna.service.messaging.transactions() as tx:
        assert await commands.erase(tx, boris.id) == 0
        assert await commands.erase(tx, anna.id) == 2
        for table in ("company_code", "company_mail"):
            left = await tx.exec_driver_sql(f"select count(*) from {table}")
            assert left.scalar_one() == 0
