"""Mails about notices: what is in them, to whom they go, and when."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hirewire.contracts.auth import (
    UserBlocked,
    UserEmailVerified,
    UserErased,
    UserLocaleChanged,
)
from hirewire.contracts.vacancies import SearchMatched, SearchMatchWithdrawn, VacancyUpdated
from hirewire.kit.clock import now
from hirewire.kit.mail import mailer
from hirewire.messaging.event import Event
from hirewire.notifications.mailing import background, rules
from tests.builders import eventually
from tests.notifications.conftest import Board
from tests.notifications.mailing.conftest import Clock, has_taken, mails, queued, serving, subjects
from tests.notifications.test_preferences import preferences


async def test_a_message_is_mailed_at_once_to_the_other_side(known: Board) -> None:
    await known.consume(known.submitted(), known.written("applicant"))
    found = await mails(known)
    assert set(found) == {"carla@example.org", "dan@example.org"}
    [letter] = found["carla@example.org"]
    assert letter.subject == "New message about “Cook” and 1 more notification"
    message, application = letter.items
    assert message.title == "New message about “Cook”"
    assert application.title == "New application for “Cook”"
    assert message.lines == application.lines == ["Chef"]
    assert f"to=/applications/{known.application}" in message.link
    assert await mails(known) == {}, "once"
    [(mailed, waiting)] = await known.rows(
        "select bool_and(mailed_at is not null), bool_or(mail_since is not null) from notice"
    )
    assert (mailed, waiting) == (True, False)


async def test_one_thing_has_a_button_and_the_language_of_its_reader(known: Board) -> None:
    await known.consume(known.moved(None, "response", "invited"))
    [letter] = (await mails(known))["anna@example.org"]
    assert (letter.language, letter.subject) == ("ru", "Приглашение на вакансию «Cook»")
    assert letter.items == []
    assert letter.lines == ["Acme"]
    assert letter.button is not None
    assert letter.button[0] == "Открыть"


async def test_nobody_is_mailed_at_an_address_that_is_not_known_to_be_theirs(board: Board) -> None:
    await board.consume(
        board.submitted(),
        UserEmailVerified(user_id=board.carla, at=now()),
        board.written("applicant"),
    )
    assert set(await mails(board)) == {"carla@example.org"}
    await board.consume(UserEmailVerified(user_id=board.dan, at=now()))
    assert await mails(board) == {}, "nor later of what was before"


async def test_nobody_is_mailed_who_is_blocked_or_stopped_meanwhile(known: Board) -> None:
    await known.consume(known.submitted())
    async with known.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update person set mail_stopped_at = now() where user_id = $1", (known.carla,)
        )
    await known.consume(UserBlocked(user_id=known.dan, blocked=True, at=now()))
    assert await mails(known) == {}
    await queued(known)
    waiting = await known.rows("select distinct kind from notice where mail_since is not null")
    assert {kind for (kind,) in waiting} <= {"recommended_candidate", "recommended_vacancy"}


async def test_a_mail_is_made_from_the_state_when_it_is_sent(known: Board) -> None:
    """Queued, and then read, switched off, withdrawn, or its reader erased."""
    match = known.matched()
    await known.consume(known.submitted(), known.moved(None, "response", "sent"), match)
    weekly = [{"kind": "recommended_candidate", "mail": "at_once", "push": False}]
    await preferences(known, known.carla, {"kinds": weekly})
    await queued(known)
    await known.consume(known.unmatched(match))
    [notice, *_] = [n for n in await known.notices(known.dan) if n["kind"] != "message"]
    await known.call(known.dan, "PUT", f"/{notice['id']}/read", expect=204)
    [letter] = (await mails(known))["carla@example.org"]
    assert letter.subject == "New application for “Cook”", "and no match"
    assert await known.rows("select state, count(*) from kit.mail group by state order by 1") == [
        ("expired", 1),
        ("sent", 1),
    ]
    await known.consume(known.written("applicant"))
    await queued(known)
    off = [{"kind": "message", "mail": "off", "push": False}]
    await preferences(known, known.dan, {"kinds": off})
    await known.consume(UserErased(user_id=known.carla, erasure_id=uuid4(), erased_at=now()))
    assert await mails(known) == {}


async def test_a_burst_is_one_mail_and_then_another_one(known: Board, clock: Clock) -> None:
    await known.consume(known.submitted(), known.written("applicant"))
    assert len((await mails(known))["carla@example.org"]) == 1
    for _ in range(3):
        clock.forward(seconds=5)
        await known.consume(*(known.written("applicant") for _ in range(5)))
        assert await mails(known) == {}
    clock.forward(seconds=50)
    [letter] = (await mails(known))["carla@example.org"]
    assert letter.subject == "15 new messages about “Cook”", "only those that are new"


async def test_matches_are_gathered_until_the_morning(known: Board, clock: Clock) -> None:
    clock.at("2026-11-25 14:00")
    matches = [known.matched(vacancy=uuid4()) for _ in range(6)]
    await known.consume(known.matched(), *matches)
    assert await mails(known) == {}
    clock.at("2026-11-26 04:59")
    assert await subjects(known) == []
    clock.at("2026-11-26 05:00")
    [letter] = (await mails(known))["anna@example.org"]
    assert letter.subject == "7 новых вакансий для вас"
    assert len(letter.lines) == 6
    assert letter.lines[-1] == "и ещё 2"
    # The notice is not read: what is new is mailed all the same, and nothing else.
    await known.consume(known.matched(vacancy=uuid4()), known.unmatched(matches[0]))
    clock.at("2026-11-27 05:00")
    assert await subjects(known) == ["Новая вакансия для вас"]
    clock.at("2026-11-28 05:00")
    assert await subjects(known) == []


async def test_what_saved_searches_have_found_is_named_once(known: Board, clock: Clock) -> None:
    search, gone = uuid4(), uuid4()
    clock.at("2026-11-25 14:00")
    ids = {"user_id": known.anna, "company_id": known.company, "search_ids": [search]}
    for vacancy in (known.vacancy, gone, uuid4()):
        await known.consume(SearchMatched(vacancy_id=vacancy, **ids))
    ended = {"user_id": known.anna, "search_ids": [search], "reason": "vacancy_closed"}
    await known.consume(SearchMatchWithdrawn(vacancy_id=gone, **ended))
    assert await mails(known) == {}
    clock.at("2026-11-26 05:00")
    [letter] = (await mails(known))["anna@example.org"]
    assert letter.subject == "2 новые вакансии по сохранённому поиску"
    assert sum("Cook" in line for line in letter.lines) == 1
    assert len(letter.lines) == 2
    await known.consume(SearchMatched(vacancy_id=uuid4(), **ids))
    clock.at("2026-11-27 05:00")
    assert await subjects(known) == ["Новая вакансия по сохранённому поиску"]
    # a search without alerts is not mailed about
    await known.consume(SearchMatched(vacancy_id=uuid4(), **ids))
    await known.consume(SearchMatchWithdrawn(vacancy_id=None, **ended))
    clock.at("2026-11-28 05:00")
    assert await subjects(known) == []


async def test_a_job_that_is_published_again_is_no_news(known: Board, clock: Clock) -> None:
    """For 30 days, unless its title is another one. Who has not read of it sees it on the page."""
    at_once = {"kind": "saved_search", "mail": "at_once", "push": False}
    await preferences(known, known.anna, {"kinds": [at_once]})
    ids = {"user_id": known.anna, "company_id": known.company, "search_ids": [uuid4()]}
    ended = {"user_id": known.anna, "search_ids": ids["search_ids"], "reason": "vacancy_closed"}
    again = [
        SearchMatchWithdrawn(vacancy_id=known.vacancy, **ended),
        SearchMatched(vacancy_id=known.vacancy, **ids),
    ]

    async def mailed_of(*events: Event) -> list[str]:
        await known.consume(*events)
        clock.forward(minutes=2)
        found = (await mails(known)).get("anna@example.org", [])
        return [line for letter in found for line in letter.lines]

    assert len(await mailed_of(again[1])) == 1
    assert await mailed_of(*again) == [], "closed and published again"
    assert await mailed_of(*again) == [], "and again"
    [notice] = await known.notices(known.anna)
    assert (notice["kind"], notice["count"], notice["read"]) == ("saved_search", 1, False)
    # Another job is mailed, and it alone.
    assert len(await mailed_of(SearchMatched(vacancy_id=uuid4(), **ids))) == 1
    renamed = VacancyUpdated(
        vacancy_id=known.vacancy, company_id=known.company, version=4, title="Head cook"
    )
    [line] = await mailed_of(again[0], renamed, again[1])
    assert "Head cook" in line
    assert await mailed_of(*again) == []
    await known.consume(again[0])
    async with known.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update found_vacancy set notified_at = notified_at - interval '31 days'"
        )
    [line] = await mailed_of(again[1])
    assert "Head cook" in line


async def test_a_choice_between_due_and_sending_counts(known: Board, clock: Clock) -> None:
    clock.at("2026-11-25 14:00")
    daily = {"kind": "message", "mail": "daily", "push": True}
    await preferences(known, known.anna, {"kinds": [daily]})
    await known.consume(known.moved(None, "response", "sent"), known.written("employer"))
    assert await subjects(known) == []
    await preferences(known, known.anna, {"kinds": [daily | {"mail": "hourly"}]})
    clock.at("2026-11-25 14:59")
    assert await subjects(known) == []
    clock.at("2026-11-25 15:00")
    assert await subjects(known) == ["Новое сообщение по вакансии «Cook»"]
    clock.at("2026-11-25 15:10")
    await known.consume(known.written("employer"))
    await preferences(known, known.anna, {"kinds": [daily | {"mail": "at_once"}]})
    assert await subjects(known) == ["Новое сообщение по вакансии «Cook»"]


async def test_what_was_switched_off_does_not_come_later(known: Board, clock: Clock) -> None:
    off = {"kind": "message", "mail": "off", "push": True}
    await preferences(known, known.anna, {"kinds": [off]})
    await known.consume(known.moved(None, "response", "sent"), known.written("employer"))
    await queued(known)
    await preferences(known, known.anna, {"kinds": [off | {"mail": "at_once"}]})
    assert await subjects(known) == []


async def test_quiet_hours_postpone_and_a_new_zone_counts(known: Board, clock: Clock) -> None:
    clock.at("2026-11-25 20:00")
    await preferences(known, known.anna, {"quiet": {"from": "22:00", "until": "07:30"}})
    await known.consume(known.moved(None, "response", "invited"))
    assert await subjects(known) == []
    clock.at("2026-11-26 04:29")
    assert await subjects(known) == []
    zone = UserLocaleChanged(user_id=known.anna, language="ru", time_zone="Asia/Omsk", at=now())
    await known.consume(zone)
    assert await subjects(known) == ["Приглашение на вакансию «Cook»"], "it is 10:29 there"


async def test_a_zone_that_is_no_longer_known_and_a_clock_that_is_off(
    known: Board, clock: Clock
) -> None:
    zone = UserLocaleChanged(user_id=known.anna, language="xx", time_zone="Old/Zone", at=now())
    await known.consume(zone)
    clock.forward(days=1)
    await known.consume(known.moved(None, "response", "invited"))
    assert await subjects(known) == ["Invitation to apply for “Cook”"]
    clock.forward(days=-1)
    await known.consume(known.moved("response", "interview", "invited"), known.written("employer"))
    assert len(await subjects(known)) == 1, "put back, and a mail comes all the same"
    clock.forward(days=2)
    assert await subjects(known) == []


async def test_two_workers_and_readers_at_once(known: Board, clock: Clock) -> None:
    """Each notice is in one mail, whatever goes on beside."""
    await known.consume(known.submitted())
    transactions = known.service.messaging.transactions

    async def work() -> None:
        for _ in range(6):
            await background.queue_step(transactions)

    for _ in range(4):
        await asyncio.gather(
            work(), work(), known.consume(known.written("applicant"), known.matched())
        )
    await queued(known)
    rows = await known.rows("select user_id, count(*) from kit.mail group by user_id")
    assert sorted(count for _, count in rows) == [1, 1], "one each, until it is sent"
    await mails(known)
    clock.forward(minutes=2)
    assert set(await mails(known)) >= {"carla@example.org", "dan@example.org"}, "of what came since"
    waiting = await known.rows("select distinct kind from notice where mail_since is not null")
    assert {kind for (kind,) in waiting} <= {"recommended_candidate", "recommended_vacancy"}


async def test_ten_thousand_notices_are_one_mail_of_twenty(known: Board) -> None:
    sql = """
        insert into notice (id, user_id, kind, side, event_id, at, vacancy_id, mail_since)
        select gen_random_uuid(), $1, 'invitation', 'applicant', gen_random_uuid(), now(), $2, now()
        from generate_series(1, 10000)
    """
    async with known.service.engine.begin() as connection:
        await connection.exec_driver_sql(sql, (known.anna, known.vacancy))
    await background.sweep_step(known.service.messaging.transactions)
    [letter] = (await mails(known))["anna@example.org"]
    assert letter.subject == "10000 приглашений на вакансии"
    assert len(letter.items) == 20
    assert letter.after[0] == "и ещё 9980 уведомлений"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Cook\r\nBcc: eve@example.org", "Cook Bcc: eve@example.org"),
        ("C" * 100_000, "C" * 79 + "…"),
        ("\u202eevil\u2066 \u200fhi\x00\x1b[31m", "evil hi[31m"),
        ("Повар 👩‍🍳 <b>x</b> שלום", "Повар 👩‍🍳 <b>x</b> שלום"),
        ("\u2028\u2029 \t", "Job"),
    ],
)
async def test_titles_of_all_kinds(known: Board, title: str, shown: str) -> None:
    async with known.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update vacancy set title = $1", (title.replace("\x00", ""),)
        )
    await known.consume(known.submitted())
    async with serving(known) as server:
        await eventually(lambda: has_taken(server, 2), within=30, what="both have their mail")
    mail = server.to("carla@example.org")[0]
    assert mail["Subject"] == f"New application for “{shown}”"
    assert mail["Bcc"] is None
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "\u202e" not in part.get_content()
        assert "<b>x</b>" not in part.get_content() or kind == "plain"


async def test_a_server_that_was_away_gets_the_state_of_when_it_is_back(
    known: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No heap of old mails: one each, about what is still new."""
    monkeypatch.setattr(mailer, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(rules, "BURST", timedelta(seconds=0.3))
    monkeypatch.setattr(background, "POLL_SECONDS", 0.1)
    await known.consume(known.submitted())
    await queued(known)
    await known.consume(known.written("applicant"))
    await queued(known)
    await known.consume(known.moved("response", "discard_by_applicant", "withdrawn"))
    await queued(known)
    [(mails_waiting,)] = await known.rows("select count(*) from kit.mail")
    assert mails_waiting == 2
    async with serving(known) as server:
        await eventually(lambda: has_taken(server, 4), within=60, what="all")
    texts = [one["Subject"] for one in server.to("dan@example.org")]
    assert texts == [
        "New application for “Cook”",
        "New message about “Cook” and 1 more notification",
    ]
