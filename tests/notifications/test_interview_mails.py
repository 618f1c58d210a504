"""Mails about interviews, with the file that calendars need."""

from datetime import timedelta
from uuid import uuid4

import pytest
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from hirewire.contracts.auth import UserEmailVerified
from hirewire.contracts.vacancies import InterviewAbandoned, InterviewCancelled, InterviewDeclined
from hirewire.kit.clock import now
from hirewire.kit.mail.letters import Letter
from hirewire.notifications.calendar_files import AboutInterview, Reader, method_of
from hirewire.notifications.kinds import Side
from tests.notifications.conftest import Board
from tests.notifications.mailing.conftest import mails
from tests.notifications.test_interviews import INTERVIEW, START, cancelled, chosen, ids, proposed
from tests.notifications.test_preferences import preferences


@pytest.fixture
async def known(board: Board, monkeypatch: pytest.MonkeyPatch) -> Board:
    """Everybody's address is verified, the application is no news, and no mail waits for more."""
    monkeypatch.setattr("hirewire.notifications.mailing.rules.BURST", timedelta(0))
    people = (board.anna, board.carla, board.dan)
    await board.consume(*(UserEmailVerified(user_id=one, at=now()) for one in people))
    await board.consume(board.submitted())
    await mails(board)
    return board


def file_of(letter: Letter) -> tuple[str, str]:
    """The method of the only attachment, and its content."""
    [file] = letter.attachments
    assert (file.name, file.kind) == ("interview.ics", "text/calendar")
    return (file.parameters or {})["method"], file.content


async def test_an_agreed_interview_is_in_the_mails_of_both_and_goes_when_it_is_called_off(
    known: Board,
) -> None:
    await known.consume(proposed(known, 1))
    [proposal] = (await mails(known))["anna@example.org"]
    assert proposal.subject == "Choose a time for an interview: “Cook”"
    assert proposal.attachments == [], "nothing is agreed"
    await known.consume(chosen(known, 2))
    # The page of the application has shown it by now: a calendar needs the file all the same.
    [notice] = await known.notices(known.anna)
    await known.call(known.anna, "PUT", f"/{notice['id']}/read", expect=204)
    found = await mails(known)
    [mine], [theirs], [colleagues] = (
        found[f"{one}@example.org"] for one in ("anna", "carla", "dan")
    )
    assert mine.subject == "Interview for “Cook” scheduled"
    assert mine.lines == ["Acme", "Tuesday, 12 January 2027, 10:00–10:45 (UTC+1)"]
    assert colleagues.attachments == [], "somebody else has proposed it"
    for letter, other, address in ((mine, "Acme", "anna"), (theirs, "Chef", "carla")):
        method, content = file_of(letter)
        assert method == "REQUEST"
        assert content.count("@example.org") == 1, "nobody else's address"
        [event] = IcsCalendarStream.calendar_from_ics(content).events
        assert event.summary == f"Interview: Cook – {other}"
        assert event.attendees[0].uri == f"mailto:{address}@example.org"
        assert (event.location, event.sequence) == ("Main street 1", 2)
        assert event.uid.startswith(f"{INTERVIEW}@")
        [one] = Calendar.from_ical(content).walk("VEVENT")
        assert one.decoded("dtstart") == START
    await known.consume(cancelled(known, 3, "applicant", "called_off"))
    found = await mails(known)
    for address in ("anna", "carla"):
        method, content = file_of(found[f"{address}@example.org"][0])
        [event] = IcsCalendarStream.calendar_from_ics(content).events
        assert (method, event.sequence, event.location) == ("CANCEL", 3, None)
        assert event.uid.startswith(f"{INTERVIEW}@")
    [last] = found["dan@example.org"]
    assert last.attachments == []


async def test_a_time_that_is_called_off_before_its_mail_is_due_is_in_none(known: Board) -> None:
    await known.consume(proposed(known, 1), chosen(known, 2))
    await known.consume(cancelled(known, 3, "employer", "called_off"))
    [letter] = (await mails(known))["anna@example.org"]
    assert letter.subject == "Interview for “Cook” cancelled"
    assert [file.parameters for file in letter.attachments] == [{"method": "CANCEL"}]


async def test_a_company_takes_out_what_an_erased_candidate_leaves(known: Board) -> None:
    await known.consume(proposed(known, 1), chosen(known, 2))
    abandoned = InterviewAbandoned(
        interview_id=INTERVIEW,
        application_id=known.application,
        vacancy_id=known.vacancy,
        company_id=known.company,
        employer_id=known.carla,
        version=3,
        time_zone="Europe/Berlin",
        minutes=45,
        called_off=START,
    )
    await known.consume(abandoned)
    [letter] = (await mails(known))["carla@example.org"]
    method, content = file_of(letter)
    assert (method, "Chef" in content) == ("CANCEL", False)


async def files(board: Board, *names: str) -> dict[str, list[tuple[str, int]]]:
    """The methods and sequences of the calendar files that these people are mailed now."""
    found = await mails(board)
    said: dict[str, list[tuple[str, int]]] = {}
    for name in names:
        for letter in found.get(f"{name}@example.org", []):
            for file in letter.attachments:
                [event] = IcsCalendarStream.calendar_from_ics(file.content).events
                assert event.sequence is not None
                said.setdefault(name, []).append(
                    ((file.parameters or {})["method"], event.sequence)
                )
    return said


async def test_who_moves_an_agreed_time_gets_it_out_of_the_own_calendar(known: Board) -> None:
    await known.consume(proposed(known, 1), chosen(known, 2))
    agreed = [("REQUEST", 2)]
    assert await files(known, "anna", "carla", "dan") == {"anna": agreed, "carla": agreed}
    await known.consume(proposed(known, 3, moved=True))
    # Who sees the page before the mail is due needs it, too.
    [notice, *_] = await known.notices(known.anna)
    await known.call(known.anna, "PUT", f"/{notice['id']}/read", expect=204)
    unread = await known.call(known.carla, "GET", "/unread")
    moved = await mails(known)
    assert set(moved) == {"anna@example.org", "carla@example.org"}
    for letters in moved.values():
        assert file_of(letters[0])[0] == "CANCEL"
    [mine] = moved["carla@example.org"]
    assert mine.subject == "Interview for “Cook”: the agreed time no longer holds"
    assert mine.lines == ["Chef", "Tuesday, 12 January 2027, 10:00–10:45 (UTC+1)"]
    assert await known.call(known.carla, "GET", "/unread") == unread == {"count": 1}, "own act"
    await known.consume(chosen(known, 4))
    again = [("REQUEST", 4)]
    assert await files(known, "anna", "carla", "dan") == {"anna": again, "carla": again}


async def test_who_had_the_entry_loses_it_when_a_colleague_moves_the_time(known: Board) -> None:
    await known.consume(proposed(known, 1), chosen(known, 2))
    await files(known)
    by_dan = proposed(known, 3, moved=True).model_copy(update={"employer_id": known.dan})
    again = chosen(known, 4).model_copy(update={"employer_id": known.dan})
    await known.consume(by_dan, again)
    found = await files(known, "anna", "carla", "dan")
    assert found == {
        "anna": [("REQUEST", 4)],
        "carla": [("CANCEL", 4)],
        "dan": [("REQUEST", 4)],
    }


async def test_who_asks_for_other_times_gets_the_agreed_one_out(known: Board) -> None:
    await known.consume(proposed(known, 1), chosen(known, 2))
    await files(known)
    other = InterviewDeclined(**ids(known, 3), wants_other_times=True, called_off=START)
    await known.consume(other)
    for notice in await known.notices(known.carla):
        await known.call(known.carla, "PUT", f"/{notice['id']}/read", expect=204)
    gone = [("CANCEL", 3)]
    assert await files(known, "anna", "carla", "dan") == {"anna": gone, "carla": gone}


async def test_who_was_never_mailed_the_entry_gets_nothing(known: Board) -> None:
    off = [{"kind": "interview_chosen", "mail": "off", "push": False}]
    await preferences(known, known.anna, {"kinds": off})
    await known.consume(proposed(known, 1), chosen(known, 2))
    await files(known)
    await known.consume(
        InterviewDeclined(**ids(known, 3), wants_other_times=True, called_off=START)
    )
    assert await files(known, "anna", "carla") == {"carla": [("CANCEL", 3)]}


async def test_a_declined_proposal_has_words_and_no_file(known: Board) -> None:
    await known.consume(proposed(known, 1))
    await known.consume(InterviewDeclined(**ids(known, 2), wants_other_times=True))
    [letter] = (await mails(known))["carla@example.org"]
    assert letter.subject == "The candidate asks for other times for an interview: “Cook”"
    assert letter.attachments == []
    expired = InterviewCancelled(**ids(known, 3), side="system", reason="expired")
    await known.consume(expired)
    assert "anna@example.org" not in await mails(known)


@pytest.mark.parametrize(
    ("state", "side", "is_theirs", "method"),
    [
        ("chosen", "applicant", True, "REQUEST"),
        ("chosen", "employer", True, "REQUEST"),
        ("chosen", "employer", False, None),
        ("cancelled", "applicant", True, "CANCEL"),
        ("proposed", "applicant", True, "CANCEL"),
        ("cancelled", "employer", False, None),
    ],
)
def test_whose_calendar_gets_what(
    state: str, side: Side, is_theirs: bool, method: str | None
) -> None:
    reader = Reader(user_id=uuid4(), email="a@b.example", side=side, language="en")
    its = AboutInterview(
        id=INTERVIEW,
        application_id=uuid4(),
        version=3,
        state=state,
        starts_at=START,
        minutes=45,
        time_zone="UTC",
        place=None,
        at=START,
        employer_id=reader.user_id if is_theirs else uuid4(),
    )
    assert method_of(its, reader) == method
