"""The private feed of a person, and the file of one interview."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import text

from hirewire.contracts.auth import UserBlocked, UserErased
from hirewire.kit.clock import now
from hirewire.messaging.testing import consume, delivery
from hirewire.vacancies.calendars import commands
from tests.vacancies.conftest import Person
from tests.vacancies.interviews.conftest import Meeting, local


async def address(person: Person) -> str:
    """A new address of this person's calendar."""
    return str((await person.call("POST", "/calendar", expect=201))["path"])


async def read(person: Person, path: str, **headers: str) -> httpx.Response:
    """What a calendar program gets, which has nothing but the address."""
    return await person.service.client.get(f"/api/vacancies{path}", headers=headers)


async def events(person: Person, path: str) -> list[Any]:
    answer = await read(person, path)
    assert answer.status_code == 200, answer.text
    return IcsCalendarStream.calendar_from_ics(answer.text).events


async def test_both_sides_read_their_agreed_interviews(meeting: Meeting) -> None:
    mine, theirs = await address(meeting.vera), await address(meeting.boss)
    colleagues = await address(meeting.colleague)
    made = await meeting.propose(timeZone="Europe/Berlin")
    assert await events(meeting.vera, mine) == [], "not agreed yet"
    agreed = await meeting.choose(made)
    [one], [other] = await events(meeting.vera, mine), await events(meeting.boss, theirs)
    assert (one.dtstart.isoformat(), one.uid) == (other.dtstart.isoformat(), other.uid)
    assert one.dtstart.strftime("%H:%M") == "10:00"
    assert one.summary == "Interview: Backend developer – Acme"
    assert other.summary == "Interview: Backend developer – Developer"
    assert (one.location, one.attendees) == ("Main street 1", [])
    assert await events(meeting.colleague, colleagues) == [], "somebody else has proposed it"
    off = await meeting.act(meeting.vera, agreed, "cancel")
    assert off["state"] == "cancelled"
    assert await events(meeting.vera, mine) == []


async def test_a_feed_is_read_again_only_if_it_has_changed(meeting: Meeting) -> None:
    agreed = await meeting.agreed()
    path = await address(meeting.vera)
    first = await read(meeting.vera, path)
    assert first.headers["cache-control"] == "private"
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (await read(meeting.vera, path)).headers["etag"] == first.headers["etag"]
    tag, when = first.headers["etag"], first.headers["last-modified"]
    same = await read(meeting.vera, path, **{"If-None-Match": f'"other", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await read(meeting.vera, path, **{"If-Modified-Since": when})).status_code == 304
    other = {"If-None-Match": '"other"', "If-Modified-Since": when}
    assert (await read(meeting.vera, path, **other)).status_code == 200
    assert (await read(meeting.vera, path, **{"If-Modified-Since": "soon"})).status_code == 200
    await meeting.act(meeting.vera, agreed, "cancel")
    assert (await read(meeting.vera, path, **{"If-None-Match": tag})).status_code == 200


async def test_only_the_newest_address_is_one(
    meeting: Meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await meeting.vera.call("GET", "/calendar"))["path"] is None
    old = await address(meeting.vera)
    new = await address(meeting.vera)
    assert old != new
    assert (await meeting.vera.call("GET", "/calendar"))["path"] == new
    assert (await read(meeting.vera, new)).status_code == 200
    nearly = f"{new[:20]}{'a' if new[20] != 'a' else 'b'}{new[21:]}"
    for guess in (old, nearly, "/calendar/x.ics", f"/calendar/{'я' * 43}.ics"):
        assert (await read(meeting.vera, guess)).status_code == 404, guess
    await meeting.vera.call("DELETE", "/calendar", expect=204)
    assert (await read(meeting.vera, new)).status_code == 404
    secret = new.removeprefix("/calendar/").removesuffix(".ics")
    logged = capsys.readouterr().out
    assert "/api/vacancies/calendar/…" in logged
    assert secret not in logged
    another = (await address(meeting.vera)).removeprefix("/calendar/").removesuffix(".ics")
    async with meeting.vera.service.engine.connect() as connection:
        [row] = await connection.execute(text("select f::text as line from calendar_feed f"))
    assert another not in row.line


async def test_a_feed_is_not_read_too_often(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MOST_READS", 2)
    path = await address(meeting.vera)
    answers = [await read(meeting.vera, path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 3600
    assert (await read(meeting.vera, await address(meeting.boss))).status_code == 200


async def test_who_is_blocked_or_erased_has_no_feed(meeting: Meeting) -> None:
    await meeting.agreed()
    theirs, mine = await address(meeting.boss), await address(meeting.vera)
    consumer = meeting.vera.service.messaging.consumer
    blocked = UserBlocked(user_id=meeting.boss.id, blocked=True, at=now())
    await consume(consumer, delivery(blocked, sequence=1))
    assert (await read(meeting.boss, theirs)).status_code == 404
    [still] = await events(meeting.vera, mine)
    assert still.summary, "the interview is the candidate's too"
    erased = UserErased(user_id=meeting.vera.id, erasure_id=uuid4(), erased_at=now())
    await consume(consumer, delivery(erased, sequence=1))
    assert (await read(meeting.vera, mine)).status_code == 404
    async with meeting.vera.service.engine.connect() as connection:
        feeds = await connection.execute(text("select user_id from calendar_feed"))
    assert [row.user_id for row in feeds] == [meeting.boss.id]


async def test_the_file_of_an_interview_is_for_both_sides_only(meeting: Meeting) -> None:
    made = await meeting.propose(slots=[local(3)], place="Line 1\r\nEND:VCALENDAR;,\\")
    path = f"/interviews/{made['id']}/calendar.ics"
    await meeting.vera.call("GET", path, expect=404)
    await meeting.choose(made)
    for person in (meeting.vera, meeting.boss, meeting.colleague):
        [one] = IcsCalendarStream.calendar_from_ics(await person.call("GET", path)).events
        assert one.location == "Line 1 END:VCALENDAR;,\\"
    stranger, _ = await meeting.board.somebody()
    await stranger.call("GET", path, expect=404)
