"""What a mail says, and how it looks as text and as HTML."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, Message
from email.policy import Policy, default
from email.utils import format_datetime
from functools import cache, lru_cache
from importlib.resources import files
from textwrap import fill
from typing import Literal
from uuid import UUID

from email_validator import validate_email
from jinja2 import Environment, StrictUndefined, Template

from hirewire.kit.mail import returning

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")
_WIDTH = 72
_TURNS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")
"""Not printable for Python, and parts of Persian words and of emoji."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that goes with a mail."""

    name: str
    kind: str
    """The media type, such as `text/calendar`."""
    content: str
    parameters: Mapping[str, str] | None = None
    """Of the media type, such as `method`."""

    def __post_init__(self) -> None:
        for text in (self.name, self.kind, *(self.parameters or {}).values()):
            if not text.isascii() or not text.isprintable() or '"' in text:
                raise ValueError("a character that a header of a mail cannot have")


@dataclass(frozen=True, slots=True)
class Item:
    """One of several things that a mail is about."""

    title: str
    link: str
    """Its address: a path is one of the board."""
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of a mail, in the reader's language."""

    to: str
    """The address of one reader."""
    language: Language
    subject: str
    lines: Sequence[str]
    """Paragraphs, as plain text."""
    items: Sequence[Item] = ()
    """What the mail is about, if that is more than one thing."""
    code: str | None = None
    """A code to type in, shown large."""
    button: tuple[str, str] | None = None
    """The text of a link, and its address: a path is one of the board."""
    after: Sequence[str] = ()
    """Paragraphs below the button."""
    links: Sequence[tuple[str, str]] = ()
    """Small links at the end, each a text and an address."""
    headers: Mapping[str, str] | None = None
    """Further headers, such as `List-Unsubscribe`."""
    attachments: Sequence[Attachment] = ()

    def __post_init__(self) -> None:
        for text in (self.to, self.subject, *(self.headers or {}).values()):
            if "\n" in text or "\r" in text:
                raise ValueError("a line break in a header of a mail")

    @property
    def reader(self) -> str:
        """The address as SMTP needs it: its domain in ASCII (RFC 5891)."""
        return _reader(self.to)

    def to_json(self) -> str:
        """The form that is stored, encrypted."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Letter":
        """The inverse of `to_json`."""
        row = json.loads(text)
        button = tuple(row["button"]) if row["button"] else None
        # A letter that was queued by an earlier version says nothing of some of these.
        attachments = [Attachment(**one) for one in row.get("attachments", ())]
        items = [Item(**one) for one in row.get("items", ())]
        links = [(text, address) for text, address in row.get("links", ())]
        more = {"attachments": attachments, "items": items, "links": links}
        return cls(**row | {"button": button} | more)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the board."""

    address: str
    name: str
    public_url: str
    returns: str | None = None
    """Where mails come back that cannot be delivered, with `*` for the mark of each."""

    def envelope(self, id: UUID, letter: Letter) -> str:
        """The return address of a mail (`MAIL FROM`)."""
        if self.returns is None:
            return self.address
        return self.returns.replace(returning.PLACE, returning.mark(id, letter.to))

    def link(self, address: str) -> str:
        """The address of a link; a path is below the board's address."""
        return f"{self.public_url}{address}" if address.startswith("/") else address

    @property
    def domain(self) -> str:
        """The domain of the address, for `Message-ID`."""
        return self.address.rpartition("@")[2]


@lru_cache(maxsize=256)
def _reader(address: str) -> str:
    found = validate_email(address, check_deliverability=False, test_environment=True)
    return found.ascii_email or f"{found.local_part}@{found.ascii_domain}"


def one_line(text: str | None, most: int) -> str:
    """A text of somebody's as a part of a line: short, and without characters that break lines or
    turn the direction of what follows. Empty without one.
    """
    if text is None:
        return ""
    start = text[: most * 4]  # cheap, however long it is
    kept = "".join(
        c for c in start if c.isspace() or (c not in _TURNS and c.isprintable()) or c in _JOINERS
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def as_text(letter: Letter, sender: Sender) -> str:
    """The part in plain text. Links stand in lines of their own, unbroken."""
    parts = [fill(line, _WIDTH, break_long_words=False) for line in letter.lines]
    for item in letter.items:
        said = (item.title, *item.lines, sender.link(item.link))
        parts.append("\n  ".join(("* " + said[0], *said[1:])))
    parts += [f"    {letter.code}"] if letter.code else []
    parts += [f"{letter.button[0]}:\n{sender.link(letter.button[1])}"] if letter.button else []
    parts += [fill(line, _WIDTH, break_long_words=False) for line in letter.after]
    parts += [f"{text}:\n{sender.link(address)}" for text, address in letter.links]
    parts.append(f"-- \n{sender.name}\n{sender.public_url}")
    return "\n\n".join(parts) + "\n"


def as_html(letter: Letter, sender: Sender) -> str:
    """The HTML part: one table and inline styles, as mail clients need it; no pictures."""
    return _template().render(letter=letter, sender=sender)


def as_message(id: UUID, letter: Letter, sender: Sender, at: datetime) -> EmailMessage:
    """The message to send. Its `Message-ID` is the row's, so that a repeated mail is recognised."""
    message = EmailMessage(_POLICY)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = letter.reader
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = letter.language
    if sender.returns is not None:
        message[returning.HEADER] = returning.mark(id, letter.to)
    for name, value in (letter.headers or {}).items():
        message[name] = value
    message.set_content(as_text(letter, sender), cte="quoted-printable")
    message.add_alternative(as_html(letter, sender), subtype="html", cte="quoted-printable")
    for one in letter.attachments:
        main, _, sub = one.kind.partition("/")
        message.add_attachment(
            one.content.encode(),
            maintype=main,
            subtype=sub,
            filename=one.name,
            params={"charset": "utf-8", **(one.parameters or {})},
        )
    return message


class _Addresses(UnstructuredHeader, BaseHeader):
    """Addresses of links, one a line. The library would encode those that are long (RFC 2047),
    which no mail program understands (RFC 2369).
    """

    def fold(self, *, policy: "Policy[Message[str, str]]") -> str:
        """The header's lines."""
        value = str(self).replace(", ", f",{policy.linesep} ")
        return f"{self.name}: {value}{policy.linesep}"


_registry = HeaderRegistry()
_registry.map_to_type("List-Unsubscribe", _Addresses)
_POLICY = default.clone(header_factory=_registry)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = files("hirewire.kit.mail").joinpath("letter.html").read_text(encoding="utf-8")
    return environment.from_string(source)
