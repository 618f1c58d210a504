"""What a push says, how long to wait, and that our own reader of messages follows RFC 8291."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from hirewire.notifications.kinds import Kind
from hirewire.notifications.pushing import presenters, rules
from hirewire.notifications.pushing.pusher import topic
from hirewire.notifications.pushing.queries import Due
from hirewire.notifications.pushing.rules import Failing
from hirewire.notifications.quiet import quiet_until
from hirewire.notifications.web_push import BadKeys, Target
from tests.push_service import Browser, decoded

MOMENT = datetime(2026, 11, 29, 12, tzinfo=UTC)
DUE = Due(
    notice_id=UUID(int=7),
    changes=0,
    queued_at=MOMENT,
    kind="message",
    side="applicant",
    count=1,
    detail=None,
    at=MOMENT,
    is_void=False,
    vacancy_title="Cook",
    company_name="Acme",
    wish=None,
    language=None,
    time_zone=None,
    quiet_from=None,
    quiet_until=None,
)


def test_the_example_of_the_rfc_is_read() -> None:
    # RFC 8291, appendix A.
    private = int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser("", private=derive_private_key(private, SECP256R1()))
    browser.auth = decoded("BTBZMqHH6r4Tts7J_aSIgg")
    message = decoded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg"
        "Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVB"
        "St2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.read(message) == b"When I grow up, I want to be a watermelon"


def said(**fields: object) -> tuple[str, str]:
    content = json.loads(presenters.message(replace(DUE, **fields)))  # type: ignore[arg-type]
    return content["title"], content["body"]


def test_every_kind_has_its_text() -> None:
    assert set(get_args(Kind)) <= presenters.KNOWN
    for kind in get_args(Kind):
        assert said(kind=kind)[0] != "New notification"
    assert said(kind="of_a_later_version") == ("New notification", "Cook · Acme")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ("New message", "Cook · Acme")),
        ({"count": 3}, ("3 new messages", "Cook · Acme")),
        (
            {"kind": "application_answered", "detail": "declined", "side": "employer"},
            ("Invitation declined", "Cook"),
        ),
        ({"kind": "vacancy_closed", "vacancy_title": None}, ("The job is closed", "Acme")),
        ({"language": "ru", "count": 3}, ("3 новых сообщения", "Cook · Acme")),
        ({"language": "ru"}, ("Новое сообщение", "Cook · Acme")),
        ({"language": "ru", "count": 21}, ("21 новое сообщение", "Cook · Acme")),
        ({"language": "ru", "kind": "invitation"}, ("Приглашение откликнуться", "Cook · Acme")),
        (
            {"kind": "recommended_candidate", "count": 12, "side": "employer"},
            ("12 new candidates", "Cook"),
        ),
    ],
)
def test_what_a_push_says(fields: dict[str, object], text: tuple[str, str]) -> None:
    assert said(**fields) == text


def test_the_length_says_nothing_and_is_never_too_much() -> None:
    sizes = {len(presenters.message(replace(DUE, vacancy_title="x" * n))) for n in range(100)}
    assert sizes == {512}
    longest = replace(DUE, vacancy_title="𝕏" * 5000, company_name="Ж" * 5000)
    assert len(presenters.message(longest)) <= 3993, "what fits into 4096 bytes (RFC 8291, 4)"
    assert topic(UUID(int=7)) != topic(UUID(int=8))
    assert len(topic(UUID(int=7))) == 32


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("999999999999999", 86400),
        ("Sun, 29 Nov 2026 12:05:00 GMT", 300),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 29 Nov 2099 11:00:00 GMT", 86400),
        *((bad, 0) for bad in (None, "", "soon", "-5", "１２", "1e9", "Sun, 99 Nov 2026 99:00:00")),
    ],
)
def test_how_long_a_service_makes_us_wait(text: str | None, seconds: int) -> None:
    assert rules.wait_of(text, MOMENT) == timedelta(seconds=seconds)


def test_a_device_is_given_up_after_a_long_row_of_failures() -> None:
    assert [Failing(n, MOMENT).pause.total_seconds() for n in (1, 2, 6, 60)] == [10, 60, 3600, 3600]
    week = MOMENT + rules.LOST_AFTER
    assert Failing(20, MOMENT).is_lost(week)
    assert not Failing(19, MOMENT).is_lost(week)
    assert not Failing(500, MOMENT).is_lost(week - timedelta(seconds=1)), "an outage passes"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, "sent") for status in (200, 201, 202)),
        *((status, "gone") for status in (404, 410)),
        (413, "too_large"),
        *((status, "again") for status in (301, 307, 400, 401, 403, 429, 500, 503)),
    ],
)
def test_what_an_answer_means(status: int, verdict: str) -> None:
    assert rules.verdict(status) == verdict


def test_only_keys_of_a_browser_are_taken() -> None:
    browser = Browser("https://push.example/1")
    keys = browser.subscription()["keys"]
    Target(browser.endpoint, **keys).check()
    off = keys["p256dh"][:-4] + "AAAA"
    for bad in (
        {"p256dh": off},
        {"p256dh": keys["auth"]},
        {"auth": keys["p256dh"]},
        {"auth": ""},
        {"p256dh": "ж"},
    ):
        with pytest.raises(BadKeys):
            Target(browser.endpoint, **keys | bad).check()
    assert keys["auth"] not in repr(Target(browser.endpoint, **keys))


@pytest.mark.parametrize(
    ("local", "begins", "ends", "until"),
    [
        ("2026-11-29T23:30", 22 * 60, 8 * 60, "2026-11-30T08:00"),
        ("2026-11-29T07:59", 22 * 60, 8 * 60, "2026-11-29T08:00"),
        ("2026-11-29T08:00", 22 * 60, 8 * 60, None),
        ("2026-11-29T21:59", 22 * 60, 8 * 60, None),
        ("2026-11-29T13:00", 13 * 60, 14 * 60, "2026-11-29T14:00"),
        ("2026-11-29T14:00", 13 * 60, 14 * 60, None),
        ("2026-11-29T13:00", None, None, None),
        # The clocks change in the night.
        ("2026-03-28T23:00", 22 * 60, 8 * 60, "2026-03-29T08:00"),
        ("2026-10-24T23:00", 22 * 60, 8 * 60, "2026-10-25T08:00"),
        ("2026-03-29T01:30", 60, 150, "2026-03-29T03:30"),
    ],
)
def test_quiet_hours_end_in_the_persons_morning(
    local: str, begins: int | None, ends: int | None, until: str | None
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    moment = datetime.fromisoformat(local).replace(tzinfo=berlin).astimezone(UTC)
    found = quiet_until(moment, berlin, begins, ends)
    expected = datetime.fromisoformat(until).replace(tzinfo=berlin) if until else None
    assert found == (expected.astimezone(UTC) if expected else None)
