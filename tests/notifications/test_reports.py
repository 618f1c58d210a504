"""What is read from reports of mail servers, and from what only looks like one."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest

from hirewire.kit.mail import returning
from hirewire.kit.secrets import use_keys
from hirewire.notifications.bounces import rules
from hirewire.notifications.bounces.reports import MOST, NoReport, read
from tests.notifications import reporting

ANNA = "Anna@example.org"
ID = uuid4()


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    use_keys("k" * 32)
    yield
    use_keys(None)


@pytest.mark.parametrize(
    ("made", "kind", "status"),
    [
        (reporting.postfix, "hard", "5.1.1"),
        (lambda mark: reporting.postfix(mark, status="4.4.7"), "soft", "4.4.7"),
        (lambda mark: reporting.postfix(mark, status="5.2.2 (full)"), "soft", "5.2.2"),
        (lambda mark: reporting.postfix(mark, status="5.7.1"), "soft", "5.7.1"),
        (reporting.returned_whole, "hard", "5.1.10"),
        (reporting.other_letters, "hard", "5.1.1"),
        (reporting.complaint, "complaint", None),
    ],
)
def test_a_report_is_read(made, kind, status) -> None:  # type: ignore[no-untyped-def]
    report = read(made(returning.mark(ID, ANNA)))
    assert (report.kind, report.status) == (kind, status)
    [mark] = report.marks
    assert mark.mail_id == ID
    assert mark.is_of("anna@EXAMPLE.org")
    assert not mark.is_of("boris@example.org")


def test_only_its_own_key_signs_a_mark() -> None:
    mark = returning.mark(ID, ANNA)
    assert len(mark) == returning.LENGTH
    use_keys("n" * 32 + "," + "k" * 32)  # a new key: marks of the earlier one are still right
    [found] = returning.marks_in(f"<bounces+{mark}@board.example>")
    assert found.is_of(ANNA)
    use_keys("n" * 32)
    assert not found.is_of(ANNA)
    assert not list(returning.marks_in(f"{mark}a {mark[1:]} a{mark}"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe" * 1000,
        reporting.vacation("a" * 42),
        reporting.postfix("a" * 42, action="delayed", status="4.4.1"),
        reporting.postfix("a" * 42, action="delivered", status="2.0.0"),
        reporting.postfix("a" * 42, status="nonsense"),
        reporting.complaint("a" * 42, kind="not-spam"),
        b"Content-Type: multipart/report\r\n\r\nno boundary",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n\r\n\r\n--x--",
        b"Content-Type: multipart/report; boundary=x; charset*=\xff'\xff'%FF\r\n\r\n--x\r\n"
        b"Content-Type: message/feedback-report; charset=\xff\r\n\r\n"
        b"Feedback-Type: =?nonsense?B?////?=\xff\r\n--x--",
    ],
)
def test_everything_else_is_no_report(content: bytes) -> None:
    with pytest.raises(NoReport):
        read(content)


def _nested(depth: int) -> bytes:
    parts = [f"Content-Type: multipart/report; boundary={n}\r\n\r\n--{n}\r\n" for n in range(depth)]
    return "".join(parts).encode() + b"x\r\n" * (MOST // 3)


@pytest.mark.parametrize(
    "content",
    [
        _nested(2000),
        _nested(10),
        b"Content-Type: multipart/report" + b";" * MOST,
        b"Content-Type: multipart/report; a=" + b'"' * MOST,
        b"Content-Type: multipart/report; boundary=" + b"x" * MOST,
        b"Content-Type: " + b"message/rfc822\r\n\r\nContent-Type: " * 5000,
        b"Content-Type: multipart/report; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 10_000,
        b"To: " + b"a" * 42 + b" " + b"b" * 10_000_000,
        b"A:\r\n" * 20_000,
    ],
    ids=[
        "bomb",
        "deep",
        "semicolons",
        "quotes",
        "boundary",
        "messages",
        "parts",
        "huge",
        "headers",
    ],
)
def test_a_message_that_is_made_to_be_slow_is_not(content: bytes) -> None:
    with pytest.raises(NoReport):
        read(content)  # takes minutes without the limits


def test_a_huge_report_is_read_by_its_beginning() -> None:
    whole = reporting.returned_whole(returning.mark(ID, ANNA))
    huge = whole.replace("Здравствуйте".encode(), b"x" * 10_000_000)
    report = read(huge)
    assert report.kind == "hard"
    assert report.marks[0].is_of(ANNA)


def test_a_report_with_many_marks_costs_few_lookups() -> None:
    marks = " ".join(returning.mark(uuid4(), ANNA) for _ in range(500))
    whole = reporting.postfix(returning.mark(ID, ANNA)).replace(b"To: ", f"To: {marks} ".encode())
    assert len(read(whole).marks) <= 10


def test_which_refusals_say_something_about_the_address() -> None:
    def of(code: int, status: str | None = None, *, of_reader: bool = True) -> str | None:
        return rules.of_refusal(code, status, of_reader=of_reader)

    assert [of(550), of(550, "5.1.1"), of(553), of(550, "5.2.1")] == ["hard"] * 4
    assert [of(552), of(554), of(550, "5.7.1"), of(552, "5.2.2")] == ["soft"] * 4
    assert of(550, "5.1.1", of_reader=False) == "hard"  # said only after the content
    assert [of(554, of_reader=False), of(554, "5.7.1", of_reader=False)] == [None, None]


def test_soft_bounces_stop_on_the_third_day() -> None:
    days = [date(2026, 11, day) for day in (1, 1, 1, 2, 2, 3)]
    assert [rules.stops("soft", days[:n]) for n in (1, 3, 5)] == [None] * 3
    assert rules.stops("soft", days) == "bounced"
    assert rules.stops("hard", []) == "bounced"
    assert rules.stops("complaint", []) == "complained"
