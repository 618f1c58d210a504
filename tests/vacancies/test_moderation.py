"""Readers report vacancies and companies, operators decide, owners read why and answer once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.kit import audit_log
from hirewire.kit.audit_log import Subject
from hirewire.kit.networks import network
from hirewire.messaging.testing import recorded
from hirewire.vacancies.moderation import commands, rules
from hirewire.vacancies.operators.commands import erase as forget_operator
from tests.services import Running
from tests.vacancies.conftest import Person
from tests.vacancies.test_holds import block, everywhere, make_operator

REPORT = {"reason": "fraud", "text": "They ask for money."}
TAKE_DOWN = {"decision": "take_down", "reason": "fees", "text": "Applicants must not pay."}


async def published(person: Person, **changes: object) -> str:
    id = await person.vacancy(**changes)
    await person.call("POST", f"/vacancies/{id}/publish")
    return id


async def anonymous(service: Running, path: str, body: object = REPORT, ip: str = "8.8.8.8") -> int:
    """A report of a reader who is not signed in; the proxy says from where."""
    answer = await service.client.post(
        f"/api/vacancies{path}", json=body, headers={"X-Forwarded-For": ip}
    )
    return answer.status_code


async def decide(
    operator: Person, id: str, what: str | dict[str, Any], *, of: str = "vacancy", expect: int = 201
) -> Any:
    body = {"decision": what, "text": "Looked at."} if isinstance(what, str) else what
    return await operator.call("POST", f"/admin/reported/{of}/{id}/decisions", body, expect=expect)


async def queue(operator: Person, query: str = "") -> list[tuple[str, int]]:
    page = await operator.call("GET", f"/admin/reported{query}")
    return [(one["targetId"], one["reports"]) for one in page["items"]]


@pytest.fixture
async def olga(vacancies: Running) -> Person:
    """An operator."""
    olga = Person(vacancies, uuid4())
    await make_operator(olga)
    return olga


async def test_a_report_is_counted_once_per_reader_and_waits_for_an_operator(
    anna: Person, boris: Person, olga: Person
) -> None:
    company = (await anna.hire())["companyId"]
    id, other = await published(anna), await published(anna, title="Other")
    for _ in range(2):
        await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204)
        assert await anonymous(anna.service, f"/vacancies/{id}/reports") == 204
    assert await anonymous(anna.service, f"/vacancies/{id}/reports", {"reason": "spam"}, "9.9.9.9")
    await boris.call("POST", f"/companies/{company}/reports", {"reason": "other"}, expect=204)
    await boris.call("POST", f"/vacancies/{other}/reports", {"reason": "spam"}, expect=204)

    assert await queue(olga) == [(other, 1), (company, 1), (id, 3)]
    assert await queue(olga, "?sort=most") == [(id, 3), (other, 1), (company, 1)]
    first = await olga.call("GET", "/admin/reported?sort=most&limit=1")
    assert await queue(olga, f"?sort=most&after={first['next']}") == [(other, 1), (company, 1)]
    await olga.call("GET", "/admin/reported?after=nowhere", expect=422)
    assert first["items"][0]["reasons"] == [
        {"reason": "fraud", "count": 2},
        {"reason": "spam", "count": 1},
    ]
    assert (await olga.call("GET", "/admin/reported/count"))["waiting"] == 3

    # operators do not learn who it was either
    its = await olga.call("GET", f"/admin/reported/vacancy/{id}")
    assert [one["signedIn"] for one in its["latestReports"]] == [False, False, True]
    assert str(boris.id) not in str(its)
    assert its["possible"] == ["take_down", "dismiss"]
    assert (await decide(olga, id, "dismiss"))["reports"] == 0
    assert await queue(olga) == [(other, 1), (company, 1)]
    assert (await anna.call("GET", f"/decisions?vacancy={id}"))["items"] == []
    await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204)  # it counts again
    assert await queue(olga, "?limit=1") == [(id, 1)]


async def test_what_cannot_be_reported(anna: Person, boris: Person, olga: Person) -> None:
    await anna.hire()
    draft, id = await anna.vacancy(), await published(anna)
    await boris.call("POST", f"/vacancies/{draft}/reports", REPORT, expect=404)
    await boris.call("POST", f"/companies/{uuid4()}/reports", REPORT, expect=404)
    for wrong in ({}, {"reason": "dull"}, {"reason": "fraud", "text": "x" * 1001}):
        await boris.call("POST", f"/vacancies/{id}/reports", wrong, expect=422)
    await decide(olga, id, TAKE_DOWN)
    await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=410)


async def test_a_flood_of_reports_is_stopped(anna: Person, boris: Person, olga: Person) -> None:
    await anna.hire()
    ids = [await published(anna, title=f"Job {n}") for n in range(rules.FROM_NETWORK + 1)]
    sent = await asyncio.gather(
        *(anonymous(anna.service, f"/vacancies/{id}/reports") for id in ids)
    )
    assert sorted(sent) == [204] * rules.FROM_NETWORK + [429]
    # a person who moves from network to network, and one line with many addresses
    for n, id in enumerate(ids[: rules.FROM_PERSON]):
        headers = {"X-Forwarded-For": f"7.7.7.{n}"}
        await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204, **headers)
    refused = await boris.call(
        "POST",
        f"/vacancies/{ids[-1]}/reports",
        REPORT,
        expect=429,
        **{"X-Forwarded-For": "7.8.8.8"},
    )
    assert refused["code"] == "too_many_reports"
    assert 86_000 < refused["params"]["seconds"] <= 86_400
    assert network("2001:db8::1") == network("2001:db8::2") != network("2001:db8:1::1")
    # the network stands in the table as a digest only
    async with anna.service.engine.connect() as connection:
        stored = await connection.exec_driver_sql("select report::text from report")
        assert not any("8.8.8.8" in row[0] or "7.7.7." in row[0] for row in stored)


async def test_a_takedown_is_read_and_answered_by_the_owner_once(
    anna: Person, boris: Person, olga: Person
) -> None:
    company = (await anna.hire())["companyId"]
    id = await published(anna)
    await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204)
    its = await decide(olga, id, TAKE_DOWN)
    assert (its["takenDown"], its["possible"]) == (True, ["restore"])
    assert await everywhere(boris, id) == set()
    assert await queue(olga) == []

    [read] = (await anna.call("GET", f"/decisions?vacancy={id}"))["items"]
    assert (read["kind"], read["reason"], read["text"], read["canAnswer"]) == (
        *("taken_down", "fees", TAKE_DOWN["text"]),
        True,
    )
    assert str(olga.id) not in str(read)
    assert REPORT["text"] not in str(read)  # nor what the reader wrote
    answer = {"text": "Nobody pays: the fee was for the canteen."}
    path = f"/decisions/{read['id']}/answer"
    both = await asyncio.gather(*(anna.service.client.post(
        f"/api/vacancies{path}", json=answer, headers=anna.service.as_user(anna.id)
    ) for _ in range(2)))  # fmt: skip
    assert sorted(one.status_code for one in both) == [200, 409]
    assert await queue(olga) == [(id, 0)]
    its = await olga.call("GET", f"/admin/reported/vacancy/{id}")
    assert (its["isAnswered"], its["decisions"][0]["answer"]) == (True, answer["text"])

    await decide(olga, id, "uphold")
    await anna.call("POST", path, answer, expect=409)  # another decision followed
    latest, _ = (await anna.call("GET", f"/decisions?vacancy={id}"))["items"]
    assert (latest["kind"], latest["canAnswer"]) == ("upheld", True)
    await anna.call("POST", f"/decisions/{latest['id']}/answer", answer)
    await decide(olga, id, "restore")
    assert f"/vacancies/{id}" in await everywhere(boris, id)
    latest, *_ = (await anna.call("GET", f"/decisions?vacancy={id}"))["items"]
    assert (latest["kind"], latest["canAnswer"]) == ("restored", False)

    # the events have ids and kinds, and nothing that anybody wrote
    events = await recorded(anna.service.engine, "moderation.decided")
    assert [row.body["kind"] for row in events] == ["taken_down", "upheld", "restored"]
    whose = {"userId": str(anna.id), "companyId": company, "vacancyId": id}
    assert events[0].body == {**whose, "decisionId": read["id"], "kind": "taken_down"}


async def test_a_company_is_taken_down_with_its_vacancies(
    anna: Person, boris: Person, olga: Person
) -> None:
    company = (await anna.hire())["companyId"]
    id, bad = await published(anna), await published(anna, title="Bad")
    await decide(olga, bad, TAKE_DOWN)
    await decide(olga, company, TAKE_DOWN, of="company")
    await boris.call("GET", f"/companies/{company}", expect=410)
    assert await everywhere(boris, id) == set()
    assert (await anna.call("GET", f"/vacancies/{id}"))["held"] == "company_taken_down"
    [read] = (await anna.call("GET", "/decisions"))["items"]
    await anna.call("POST", f"/decisions/{read['id']}/answer", {"text": "Why?"})

    await block(anna, 1)
    await decide(olga, company, "restore", of="company")
    assert await everywhere(boris, id) == set()  # its owner is still blocked
    await block(anna, 2, blocked=False, sequence=2)
    assert f"/vacancies/{id}" in await everywhere(boris, id)
    assert await everywhere(boris, bad) & {f"/vacancies/{bad}"} == set()
    assert [row.body["vacancyId"] for row in await recorded(anna.service.engine,
        "moderation.decided")] == [bad, None, None]  # fmt: skip


async def test_two_operators_at_once_decide_once(anna: Person, olga: Person) -> None:
    await anna.hire()
    id = await published(anna)
    second = Person(anna.service, uuid4())
    await make_operator(second)
    url = f"/api/vacancies/admin/reported/vacancy/{id}/decisions"
    both = await asyncio.gather(*(
        anna.service.client.post(url, json=TAKE_DOWN, headers=anna.service.as_user(one.id))
        for one in (olga, second)
    ))  # fmt: skip
    assert sorted(one.status_code for one in both) == [201, 409]
    assert len(await recorded(anna.service.engine, "moderation.decided")) == 1
    async with anna.service.messaging.transactions() as tx:
        [act] = await audit_log.page(tx, 10, subject=Subject("vacancy", id))
    assert (act.act, act.why, act.details) == (
        *("vacancy_taken_down", TAKE_DOWN["text"]),
        {"reason": "fees"},
    )
    assert act.operator_id in (olga.id, second.id)
    refused = await decide(olga, id, "dismiss", expect=409)
    assert (refused["code"], refused["allowed"]) == ("decision_not_possible", ["restore"])
    for wrong in (
        {"decision": "take_down", "text": "No reason"},
        {"decision": "restore", "text": ""},
        {"decision": "restore", "text": "Fine", "reason": "fraud"},
    ):
        await decide(olga, id, wrong, expect=422)
    draft = await anna.vacancy()
    await decide(olga, draft, TAKE_DOWN, expect=404)
    # what the owner archives meanwhile can still be restored
    await anna.call("POST", f"/vacancies/{id}/close")
    await anna.call("POST", f"/vacancies/{id}/archive")
    await decide(olga, id, "restore")


async def test_only_operators_decide_and_only_owners_answer(
    anna: Person, boris: Person, olga: Person
) -> None:
    await anna.hire()
    id = await published(anna)
    await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204)
    await boris.hire("Other")
    for person in (anna, boris):
        for path in ("/admin/reported", "/admin/reported/count", f"/admin/reported/vacancy/{id}"):
            refused = await person.call("GET", path, expect=403)
            assert refused["code"] == "not_an_operator"
        await decide(person, id, TAKE_DOWN, expect=403)
    await decide(olga, id, TAKE_DOWN)
    [read] = (await anna.call("GET", f"/decisions?vacancy={id}"))["items"]
    await boris.call("GET", f"/decisions?vacancy={id}", expect=404)
    words = {"text": "Not mine"}
    await boris.call("POST", f"/decisions/{read['id']}/answer", words, expect=404)
    await olga.call("POST", f"/decisions/{read['id']}/answer", words, expect=403)
    await make_operator(olga, "applicant", sequence=2)
    await decide(olga, id, "restore", expect=403)
    assert (await anna.call("GET", f"/vacancies/{id}"))["held"] == "taken_down"


async def test_a_rolled_back_decision_changes_nothing(anna: Person, olga: Person) -> None:
    """As if the process were killed before the commit."""

    await anna.hire()
    id = await published(anna)

    class Killed(Exception): ...

    with pytest.raises(Killed):
        async with anna.service.messaging.transactions() as tx:
            await commands.decide(
                tx, olga.id, "vacancy", UUID(id), "take_down", reason="fraud", text="No."
            )
            raise Killed
    assert (await anna.call("GET", f"/vacancies/{id}"))["held"] is None
    assert await recorded(anna.service.engine, "moderation.decided") == []
    await decide(olga, id, TAKE_DOWN)


async def test_nothing_of_an_erased_person_stays(anna: Person, boris: Person, olga: Person) -> None:
    await anna.hire()
    id = await published(anna)
    await boris.call("POST", f"/vacancies/{id}/reports", REPORT, expect=204)
    assert await anonymous(anna.service, f"/vacancies/{id}/reports") == 204
    await decide(olga, id, TAKE_DOWN)
    [read] = (await anna.call("GET", f"/decisions?vacancy={id}"))["items"]
    await anna.call("POST", f"/decisions/{read['id']}/answer", {"text": "Only a canteen."})
    other = await published(anna, title="Other")
    await boris.call("POST", f"/vacancies/{other}/reports", REPORT, expect=204)
    assert await anonymous(anna.service, f"/vacancies/{other}/reports") == 204
    decided = await published(anna, title="Dismissed once")
    await boris.call("POST", f"/vacancies/{decided}/reports", REPORT, expect=204)
    await decide(olga, decided, "dismiss")
    assert await anonymous(anna.service, f"/vacancies/{decided}/reports") == 204
    for person in (boris, anna, olga):
        async with anna.service.messaging.transactions() as tx:
            await commands.erase(tx, person.id)
            await forget_operator(tx, person.id)
        if person is boris:
            waiting = dict(await queue(olga))
            assert (waiting[other], waiting[decided]) == (1, 1)
    async with anna.service.engine.connect() as connection:
        for table in ("report", "reported", "decision", "operator"):
            rows = await connection.exec_driver_sql(f"select t::text from {table} t")
            text = str(rows.all())
            assert not [one.id for one in (anna, boris, olga) if str(one.id) in text]
            assert "canteen" not in text


async def test_operators_can_be_required_to_have_a_second_factor(
    anna: Person, olga: Person
) -> None:
    company = (await anna.hire())["companyId"]
    id = await published(anna)
    await decide(olga, company, TAKE_DOWN, of="company")
    taken_down = f"/vacancies/{id}", f"/companies/{company}"
    for path in taken_down:
        await olga.call("GET", path)
    app = olga.service.app
    usual = app.state.settings
    app.state.settings = usual.model_copy(update={"operators_second_factor": "required"})
    try:
        for path in ("/admin/reported", "/admin/companies"):
            refused = await olga.call("GET", path, expect=403)
            assert refused["code"] == "operator_second_factor"
            strong = olga.service.as_user(olga.id, amr=["mfa"])
            allowed = await olga.service.client.get(f"/api/vacancies{path}", headers=strong)
            assert allowed.status_code == 200
        for path in taken_down:  # as for anybody else
            assert (await olga.call("GET", path, expect=410))["code"] == "not_shown"
            allowed = await olga.service.client.get(f"/api/vacancies{path}", headers=strong)
            assert allowed.status_code == 200
            await anna.call("GET", path)
    finally:
        app.state.settings = usual
