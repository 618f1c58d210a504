"""Reads the messages in which mail servers report what became of a mail, by the standard library.

Delivery status notifications (RFC 3464; RFC 6533 for other letters than ASCII) and feedback reports
(RFC 5965). Anybody can send such a message: nothing in it is believed but a signed mark.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser, HeaderParser
from itertools import islice

from hirewire.kit.mail import returning
from hirewire.kit.mail.returning import Mark
from hirewire.notifications.bounces.rules import COMPLAINTS, Bounce, of_status

MOST = 64 * 1024
"""The bytes of a message that are read. A report comes before the mail that it returns."""
_MOST_BOUNDARIES = 12
"""A report has three parts. The time to parse nested ones grows with their depth."""
_MOST_MARKS = 10
_LONGEST = 2000
_TO = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path")
_OF_THE_MAIL = (returning.HEADER, "Return-Path")
_HEADERS_ONLY = {"text/rfc822-headers", "message/global-headers"}


@dataclass(frozen=True, slots=True)
class Report:
    """That a mail came back, or that its reader complained of it."""

    kind: Bounce
    status: str | None
    marks: tuple[Mark, ...]
    """What may be the mark of the mail. At most one is right."""


class NoReport(Exception):
    """The message is no report of a failed delivery or of a complaint, or it cannot be read."""


def read(content: bytes) -> Report:
    """The report in a message, of which only `MOST` bytes are read. Raises `NoReport`."""
    content = content[:MOST]
    if content.lower().count(b"boundary") > _MOST_BOUNDARIES:
        raise NoReport("too many parts")
    try:
        return _read(BytesParser(policy=policy.compat32).parsebytes(content))
    except NoReport:
        raise
    except Exception as error:  # the parser has raised many kinds on what is no message
        raise NoReport(f"cannot be read: {type(error).__name__}") from None


def _read(message: Message) -> Report:
    if message.get_content_type() != "multipart/report":
        raise NoReport("not multipart/report")
    parts = [part for part in _list(message.get_payload()) if isinstance(part, Message)]
    kind: Bounce | None = None
    status, marks = None, [*_marks(message, _TO)]
    for part in parts:
        type_ = part.get_content_type()
        if type_ in ("message/delivery-status", "message/global-delivery-status"):
            status = _failed(part)
            kind = of_status(status) if status is not None else kind
        elif type_ == "message/feedback-report":
            fields = _nested(part)
            is_complaint = _text(fields, "Feedback-Type").lower() in COMPLAINTS
            kind = "complaint" if is_complaint else kind
            marks += _marks(fields, ("Original-Mail-From",))
        elif type_ in _HEADERS_ONLY or type_ in ("message/rfc822", "message/global"):
            marks += _marks(_nested(part), _OF_THE_MAIL)
    if kind is None:
        raise NoReport("neither a failed delivery nor a complaint")
    return Report(kind, status, tuple(islice(dict.fromkeys(marks), _MOST_MARKS)))


def _failed(part: Message) -> str | None:
    """The status of the reader for whom the delivery failed. Mails have one reader each."""
    for group in islice(_groups(part), 20):
        if _text(group, "Action").lower() == "failed":
            return _text(group, "Status").partition(" ")[0] or "5.0.0"
    return None


def _groups(part: Message) -> Iterator[Message]:
    """The groups of fields: of the message, then of each reader."""
    for block in _list(part.get_payload()):
        if isinstance(block, Message):
            yield block
            rest = block.get_payload()
            if isinstance(rest, str):  # the parser knows only `message/delivery-status`
                for text in re.split(r"\r?\n\r?\n", rest):
                    yield HeaderParser().parsestr(text)


def _nested(part: Message) -> Message:
    payload = part.get_payload()
    if isinstance(payload, list):
        return payload[0] if payload and isinstance(payload[0], Message) else part
    return HeaderParser().parsestr(str(payload).lstrip())


def _list(payload: object) -> Sequence[object]:
    return payload if isinstance(payload, list) else ()


def _marks(message: Message, names: Sequence[str]) -> Iterator[Mark]:
    for name in names:
        for value in message.get_all(name, ())[:5]:
            yield from returning.marks_in(str(value)[:_LONGEST])


def _text(message: Message | Mapping[str, str], name: str) -> str:
    return str(message.get(name, "")).strip()[:_LONGEST]
