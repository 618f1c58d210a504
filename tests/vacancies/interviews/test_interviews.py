"""Interviews through the API: both sides, two at once, and what ends them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hirewire.contracts.auth import UserErased
from hirewire.kit.clock import now
from hirewire.messaging.testing import consume, delivery, recorded
from hirewire.vacancies.interviews import background
from tests import clocks
from tests.vacancies.conftest import Person
from tests.vacancies.interviews.conftest import Meeting, local, start


async def rows(meeting: Meeting) -> list[Any]:
    async with meeting.boss.service.engine.connect() as connection:
        return list(await connection.execute(text("select * from interview")))


async def test_a_time_is_proposed_chosen_moved_and_called_off(meeting: Meeting) -> None:
    made = await meeting.propose()
    assert (made["state"], made["allowedActions"]) == ("proposed", ["propose", "cancel"])
    [seen] = (await meeting.vera.call("GET", f"/applications/{meeting.application}/interviews"))[
        "items"
    ]
    assert seen["allowedActions"] == ["choose", "ask", "decline"]
    assert (seen["place"], seen["note"], seen["mine"]) == ("Main street 1", "Ring twice", False)
    chosen = await meeting.choose(seen, 1)
    assert (chosen["state"], chosen["startsAt"]) == ("chosen", seen["slots"][1])
    assert await meeting.choose(seen, 1) == chosen, "to repeat it changes nothing"
    await meeting.choose(seen, 0, expect=409)

    moved = await meeting.act(
        meeting.colleague, chosen, "move", **meeting.proposal(slots=[local(5)])
    )
    assert (moved["state"], moved["startsAt"], moved["mine"]) == ("proposed", None, True)
    wish = await meeting.act(meeting.vera, moved, "ask", message="Rather next week?")
    assert wish["reply"] == "Rather next week?"
    assert await meeting.act(meeting.vera, moved, "ask", message="Rather next week?") == wish
    again = await meeting.act(
        meeting.boss, wish, "move", **meeting.proposal(slots=[local(9)], note=None)
    )
    agreed = await meeting.choose(again)
    off = await meeting.act(meeting.vera, agreed, "cancel", message="I am ill")
    assert (off["state"], off["cancelledBy"], off["allowedActions"]) == (
        "cancelled",
        "applicant",
        [],
    )
    await meeting.propose()

    said = await meeting.published()
    assert [(kind, body["version"]) for kind, body in said] == [
        ("interview.proposed", 1),
        ("interview.chosen", 2),
        ("interview.proposed", 3),
        ("interview.declined", 4),
        ("interview.proposed", 5),
        ("interview.chosen", 6),
        ("interview.cancelled", 7),
        ("interview.proposed", 1),
    ]
    assert said[2][1]["calledOff"] == seen["slots"][1].replace("+00:00", "Z")
    assert said[6][1]["calledOff"] == again["slots"][0].replace("+00:00", "Z")
    everything = str(said)
    for words in ("Ring twice", "next week", "ill"):
        assert words not in everything, "no words of people in events"


async def test_each_side_has_news_and_sees_what_is_ahead(meeting: Meeting) -> None:
    await meeting.boss.call("GET", f"/applications/{meeting.application}")
    made = await meeting.propose()
    assert (await meeting.vera.call("GET", "/applications/unread"))["asApplicant"] == 1
    await meeting.choose(made)
    assert (await meeting.boss.call("GET", "/applications/unread"))["asEmployer"] == 1
    for person, role in ((meeting.vera, "applicant"), (meeting.colleague, "employer")):
        [one] = (await person.call("GET", f"/interviews?role={role}"))["items"]
        assert (one["id"], one["side"], one["state"]) == (made["id"], role, "chosen")
    assert (await meeting.boss.call("GET", "/interviews"))["items"] == []
    await meeting.vera.call("GET", "/interviews?role=employer", expect=403)


async def test_nobody_else_can_see_or_touch_it(meeting: Meeting) -> None:
    made = await meeting.propose()
    stranger, (other, resume) = (
        Person(meeting.boss.service, uuid4()),
        await meeting.board.somebody(),
    )
    rival = Person(meeting.boss.service, uuid4())
    await rival.hire("Rival")
    for person in (stranger, other, rival):
        await person.call("GET", f"/interviews/{made['id']}", expect=404)
        await person.call("GET", f"/applications/{meeting.application}/interviews", expect=404)
        await meeting.act(person, made, "cancel", 404)
        await meeting.act(person, made, "choose", 404, start=made["slots"][0])
        await meeting.act(person, made, "move", 404, **meeting.proposal())
    await meeting.act(meeting.boss, made, "choose", 403, start=made["slots"][0])
    await meeting.act(meeting.boss, made, "ask", 403, message="?")
    await meeting.act(meeting.vera, made, "move", 403, **meeting.proposal())
    path = f"/applications/{meeting.application}/interviews"
    await meeting.vera.call("POST", path, meeting.proposal(), expect=403)
    # A time of somebody else's interview is none of this one.
    body = {"resumeId": str(resume)}
    applied = await other.call(
        "POST", f"/vacancies/{meeting.board.vacancy}/applications", body, expect=201
    )
    theirs = await meeting.boss.call(
        "POST",
        f"/applications/{applied['id']}/interviews",
        meeting.proposal(slots=[local(7)]),
        expect=201,
    )
    refused = await meeting.act(meeting.vera, made, "choose", 422, start=theirs["slots"][0])
    assert refused["errors"][0]["code"] == "not_proposed"


WRONG: list[dict[str, object]] = [
    {"slots": []},
    {"slots": [local(n) for n in range(2, 8)]},
    {"slots": [{"local": "2020-01-01T10:00"}]},
    {"slots": [{"local": "9999-12-31T23:59"}]},
    {"slots": [{"local": "2026-11-30 10:00"}]},
    {"slots": [local(2) | {"fold": 2}]},
    {"timeZone": "Europe/Atlantis"},
    {"timeZone": "../../etc/passwd"},
    {"timeZone": ""},
    {"minutes": 0},
    {"minutes": 10_000},
    {"place": "x" * 501},
    {"place": "a\x00b"},
    {"note": "x" * 2001},
]


async def test_what_cannot_be_is_refused(meeting: Meeting) -> None:
    for changes in WRONG:
        await meeting.propose(422, **changes)
    assert await rows(meeting) == []


async def test_what_somebody_has_not_seen_is_not_undone(meeting: Meeting) -> None:
    made = await meeting.propose()
    moved = await meeting.act(meeting.colleague, made, "move", **meeting.proposal(slots=[local(4)]))
    for act, more in (
        ("choose", {"start": moved["slots"][0]}),
        ("decline", {}),
        ("ask", {"message": "?"}),
    ):
        refused = await meeting.act(meeting.vera, made, act, 409, **more)
        assert (refused["code"], refused["version"]) == ("interview_changed", 2)
    await meeting.act(meeting.boss, made, "move", 409, **meeting.proposal())
    await meeting.act(meeting.boss, made, "cancel", 409)
    assert (await meeting.propose(409))["code"] == "interview_ahead"


async def test_a_choice_and_the_end_of_it_at_once_have_one_winner(meeting: Meeting) -> None:
    for nth in range(5):
        made = await meeting.propose()
        acts = [
            meeting.vera.service.client.post(
                f"/api/vacancies/interviews/{made['id']}/{act}",
                json={"version": 1} | more,
                headers=meeting.vera.service.as_user(person.id),
            )
            for person, act, more in (
                (meeting.vera, "choose", {"start": made["slots"][0]}),
                (meeting.boss, "cancel", {}),
                (meeting.colleague, "move", meeting.proposal(slots=[local(6)])),
                (meeting.colleague, "cancel", {}),
            )
        ]
        answers = await asyncio.gather(*acts)
        good = [answer.json()["state"] for answer in answers if answer.status_code == 200]
        assert good in (["chosen"], ["cancelled"], ["proposed"], ["cancelled"] * 2), nth
        said = [
            kind for kind, body in await meeting.published() if body["interviewId"] == made["id"]
        ]
        assert len(said) == 2
        after = await meeting.boss.call("GET", f"/interviews/{made['id']}")
        if after["state"] != "cancelled":
            await meeting.act(meeting.boss, after, "cancel")


async def test_two_proposals_at_once_are_one_interview(meeting: Meeting) -> None:
    path = f"/api/vacancies/applications/{meeting.application}/interviews"
    client, body = meeting.boss.service.client, meeting.proposal()

    def post(person: Person, **headers: str) -> Any:
        sent = person.service.as_user(person.id) | headers
        return client.post(path, json=body, headers=sent)

    answers = await asyncio.gather(post(meeting.boss), post(meeting.colleague), post(meeting.boss))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    first = next(answer.json() for answer in answers if answer.status_code == 201)
    await meeting.act(meeting.boss, first, "cancel")
    key = {"Idempotency-Key": "once"}
    same = await asyncio.gather(post(meeting.boss, **key), post(meeting.boss, **key))
    assert [answer.status_code for answer in same] == [201, 201]
    assert len({answer.json()["id"] for answer in same}) == 1


@pytest.mark.parametrize("end", ["withdraw", "decline", "close", "delete"])
async def test_an_application_that_ends_calls_its_interview_off(meeting: Meeting, end: str) -> None:
    agreed = await meeting.agreed()
    if end == "withdraw":
        await meeting.vera.call("POST", f"/applications/{meeting.application}/withdraw")
    elif end == "decline":
        await meeting.board.move(meeting.application, "discard_by_employer")
    elif end == "close":
        await meeting.board.close()
    else:
        await meeting.board.delete(meeting.vera, meeting.board.resume)
    after = await meeting.boss.call("GET", f"/interviews/{agreed['id']}")
    assert (after["state"], after["startsAt"]) == ("cancelled", agreed["startsAt"])
    kind, body = (await meeting.published())[-1]
    side = {"withdraw": "applicant", "decline": "employer"}.get(end, "system")
    assert (kind, body["side"], body["reason"]) == (
        "interview.cancelled",
        side,
        "application_ended",
    )
    assert body["calledOff"] == agreed["startsAt"].replace("+00:00", "Z")
    assert (await meeting.propose(409))["code"] == "interview_not_possible"


async def test_an_unaccepted_invitation_has_no_interview(meeting: Meeting) -> None:
    _, resume = await meeting.board.somebody()
    body = {"resumeId": str(resume)}
    path = f"/vacancies/{meeting.board.vacancy}/invitations"
    id = (await meeting.boss.call("POST", path, body, expect=201))["id"]
    refused = await meeting.boss.call(
        "POST", f"/applications/{id}/interviews", meeting.proposal(), expect=409
    )
    assert refused["code"] == "interview_not_possible"


async def test_times_expire_and_what_has_begun_stays(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await meeting.propose()
    clock = clocks.moved(monkeypatch)
    clock.ahead = start(3) - clock.now()
    seen = await meeting.vera.call("GET", f"/interviews/{made['id']}")
    assert (seen["state"], seen["allowedActions"]) == ("expired", [])
    await meeting.choose(made, 1, expect=409)
    transactions = meeting.boss.service.messaging.transactions
    while await background.step(transactions):
        pass
    [row] = await rows(meeting)
    assert (row.state, row.version) == ("expired", 2)
    assert (await meeting.published())[-1][1]["reason"] == "expired"
    again = await meeting.boss.call("GET", f"/interviews/{made['id']}")
    moved = await meeting.act(meeting.boss, again, "move", **meeting.proposal(slots=[local(9)]))
    chosen = await meeting.choose(moved)
    clock.ahead = start(9) - clock.now() + clock.ahead
    begun = await meeting.vera.call("GET", f"/interviews/{made['id']}")
    assert (begun["state"], begun["allowedActions"]) == ("chosen", [])
    await meeting.act(meeting.vera, chosen, "cancel", 409)
    await meeting.vera.call("POST", f"/applications/{meeting.application}/withdraw")
    assert (await rows(meeting))[0].state == "chosen", "it has taken place"


async def test_the_same_employer_twice_at_one_time_is_a_warning(meeting: Meeting) -> None:
    await meeting.propose()
    other, resume = await meeting.board.somebody()
    path = f"/vacancies/{meeting.board.vacancy}/applications"
    applied = await other.call("POST", path, {"resumeId": str(resume)}, expect=201)
    path = f"/applications/{applied['id']}/interviews"
    second = await meeting.boss.call("POST", path, meeting.proposal(), expect=201)
    assert second["overlaps"] == [meeting.application]
    seen = await other.call("GET", f"/interviews/{second['id']}")
    assert seen["overlaps"] == [], "whom else the company meets is not the candidate's business"
    await meeting.act(meeting.boss, second, "cancel")
    third = await meeting.colleague.call("POST", path, meeting.proposal(), expect=201)
    assert third["overlaps"] == [], "a colleague may meet somebody else then"


async def erased(person: Person) -> None:
    event = UserErased(user_id=person.id, erasure_id=uuid4(), erased_at=now())
    await consume(person.service.messaging.consumer, delivery(event, sequence=1))


async def test_an_erased_candidate_leaves_no_interview_and_the_company_learns_of_it(
    meeting: Meeting,
) -> None:
    agreed = await meeting.agreed()
    await erased(meeting.vera)
    assert await rows(meeting) == []
    kind, body = (await meeting.published())[-1]
    assert kind == "interview.abandoned"
    assert body["calledOff"] == agreed["startsAt"].replace("+00:00", "Z")
    assert str(meeting.vera.id) not in str(body)
    assert str(meeting.board.resume) not in str(body)
    chosen = next(row for row in await recorded(meeting.boss.service.engine, "interview.chosen"))
    assert UUID(chosen.body["userId"]) == meeting.vera.id


async def test_an_erased_employer_leaves_the_time_and_takes_the_note(meeting: Meeting) -> None:
    agreed = await meeting.agreed()
    await erased(meeting.boss)
    seen = await meeting.vera.call("GET", f"/interviews/{agreed['id']}")
    assert (seen["state"], seen["startsAt"], seen["note"]) == (
        "chosen",
        agreed["startsAt"],
        None,
    )
    [row] = await rows(meeting)
    assert row.proposed_by is None
