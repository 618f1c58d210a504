"""What leaves the board, and to whom. No engine is needed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire import assembly
from hirewire.catalogue.examples import EXAMPLES
from hirewire.kit.outgoing import Answer
from hirewire.messaging.event import EVENTS
from hirewire.notifications.webhooks import handlers, rules
from hirewire.notifications.webhooks.background import SCHEDULE, asked_to_wait, outcome_of
from hirewire.notifications.webhooks.sending import Claimed
from hirewire.web.i18n.labels import LABELS

PUBLISHED = {event.name for name in assembly.SERVICES for event in assembly.service(name).publishes}
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_only_listed_events_of_the_catalogue_leave() -> None:
    assert PUBLISHED >= rules.FOR_THE_BOARD | rules.NEVER
    assert not rules.FOR_THE_BOARD & rules.NEVER
    assert rules.offered("board") == sorted(rules.FOR_THE_BOARD)
    assert rules.offered("company") == sorted(rules.FOR_COMPANIES)
    assert {event.name for event in handlers.EVENTS} == rules.FOR_THE_BOARD


@pytest.mark.parametrize("name", rules.FOR_COMPANIES)
def test_companies_get_members_of_the_event_and_nobodys_account(name: str) -> None:
    event, offer = EVENTS[name], rules.FOR_COMPANIES[name]
    members = {field.alias or name for name, field in event.model_fields.items()}
    assert set(offer.members) <= members
    left_out = members - set(offer.members)
    assert left_out <= {"userId", "employerId"}, "a new member: may companies get it?"
    body: dict[str, Any] = EXAMPLES[name]
    assert rules.company_of(name, body) == UUID(body["companyId"])
    assert "userId" not in rules.for_company(name, body)


def test_operators_get_nothing_that_an_event_calls_personal() -> None:
    for name in rules.FOR_THE_BOARD - set(rules.FOR_COMPANIES):
        fields = EVENTS[name].model_fields.keys() - EVENTS[name].personal.keys()
        assert not fields & {"email", "phone", "company_name", "resume", "jwk"}, name


def test_every_offered_event_has_a_label_on_the_pages() -> None:
    assert {f"event_{name}" for name in (*rules.FOR_THE_BOARD, rules.PING)} <= LABELS.keys()


def test_a_payload_is_as_the_standard_recommends() -> None:
    text = rules.payload("vacancy.closed", MOMENT, {"reason": "gefüllt"})
    assert text == (
        '{"type":"vacancy.closed","timestamp":"2026-03-01T12:00:00Z","data":{"reason":"gefüllt"}}'
    )
    long = json.loads(rules.payload("a", MOMENT, {"id": 1, "text": "x" * rules.LARGEST}))
    assert (long["data"], long["truncated"]) == ({"id": 1}, True)


def _claimed(attempts: int = 0) -> Claimed:
    ids = (uuid4(), uuid4(), uuid4())
    return Claimed(ids[0], "k", 1, "https://a", False, ids[1], ids[2], "t", "{}", attempts, ("s",))


def _answer(status: int, **headers: str) -> Answer:
    return Answer(status, {n.replace("_", "-"): v for n, v in headers.items()}, b"", False, 0.1)


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (300, "waiting")]
    + [(301, "waiting"), (400, "waiting"), (404, "waiting"), (410, "waiting"), (500, "waiting")],
)
def test_only_2xx_is_a_delivery(status: int, state: str) -> None:
    outcome = outcome_of(_claimed(), MOMENT, _answer(status))
    assert (outcome.state, outcome.is_gone) == (state, status == 410)


def test_the_schedule_lasts_more_than_two_days_and_ends() -> None:
    delays = [SCHEDULE.delay(n, draw=0.5) for n in range(1, SCHEDULE.attempts)]
    assert sum((one for one in delays if one), timedelta()) > timedelta(days=2)
    assert outcome_of(_claimed(SCHEDULE.attempts - 1), MOMENT, _answer(500)).state == "dead"
    first = outcome_of(_claimed(), MOMENT, _answer(500))
    assert first.retry_at is not None
    assert first.retry_at - MOMENT < timedelta(seconds=7)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("999999999999", 3600), ("-1", None), ("soon", None), ("", None), ("٣", None)]
    + [("Sun, 01 Mar 2026 12:10:00 GMT", 600), ("Sun, 01 Mar 2020 12:10:00 GMT", 0)]
    + [("Sun, 01 Mar 2026 12:10:00", None), ("Sun, 99 Mar 2026 12:10:00 GMT", None)],
)
def test_how_long_a_receiver_asks_to_wait(text: str, seconds: int | None) -> None:
    wait = asked_to_wait(_answer(429, retry_after=text), MOMENT)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
    outcome = outcome_of(_claimed(), MOMENT, _answer(429, retry_after=text))
    if seconds is None:
        assert outcome.not_before is None
    else:
        assert outcome.not_before == MOMENT + timedelta(seconds=seconds)
        assert outcome.retry_at is not None
        assert outcome.retry_at >= outcome.not_before
