"""Builds the mails about notices, in the reader's language."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias, cast
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale

from hirewire.kit.calendars import Address
from hirewire.kit.languages import span_in_words
from hirewire.kit.mail.letters import LANGUAGES, Attachment, Item, Language, Letter, one_line
from hirewire.notifications.calendar_files import Reader, calendar_file
from hirewire.notifications.kinds import DEFAULTS, MOVED, Kind, Side
from hirewire.notifications.mailing import queries
from hirewire.notifications.mailing.queries import Mail
from hirewire.notifications.unsubscribing import token

LONGEST = 80
"""Characters of a title that a mail shows."""
SETTINGS = "/account/notifications"
NOTICES = "/notices"
UNSUBSCRIBE = "/unsubscribe"
ONE_CLICK = "/api/notifications/unsubscribe"
_PLACE = re.compile(r"\{(\w+)\}")
_ORDER = {kind: nth for nth, kind in enumerate(DEFAULTS)}

_BY_DETAIL = (
    *("application_answered", "interview_declined", "interview_proposed", "interview_cancelled"),
)
"""Kinds of which the detail chooses the title."""

Forms: TypeAlias = Mapping[str, str]
"""A text by the plural forms of its language."""
Texts: TypeAlias = Mapping[str, Mapping[str, Mapping[str, "str | Forms"]]]


@dataclass(frozen=True, slots=True)
class Board:
    """What mails need to know of the board."""

    name: str
    public_url: str
    address: str = "no-reply@localhost"
    """The sender's."""
    unsubscribe_address: str | None = None
    """Where mails can be sent to that ask for no more of these."""


@cache
def texts() -> Texts:
    """The texts by kind, language and name."""
    source = files("hirewire.notifications.mailing").joinpath("texts.toml")
    return cast(Texts, tomllib.loads(source.read_text(encoding="utf-8")))


@cache
def _plural(language: Language) -> Callable[[int], str]:
    form: Callable[[int], str] = Locale.parse(language).plural_form
    return form


def _form(forms: Forms, language: Language, count: int) -> str:
    return forms.get(f"={count}") or forms[_plural(language)(count)]


@dataclass(frozen=True, slots=True)
class _Words:
    """Finds texts in a language."""

    language: Language

    def say(self, kind: str, name: str, count: int = 1, **values: str) -> str:
        """A text with the form for this number, and with its values."""
        found = texts()[kind][self.language][name]
        form = found if isinstance(found, str) else _form(found, self.language, count)
        filled = {"count": str(count)} | values
        return _PLACE.sub(lambda place: filled[place[1]], form)

    def state(self, name: str | None) -> str | None:
        """The label of a state or a reason."""
        found = texts()["state"][self.language].get(name or "")
        return found if isinstance(found, str) else None

    def title(self, item: queries.Item) -> str:
        """What a notice says."""
        vacancy = one_line(item.vacancy_title, LONGEST) or self.say("general", "untitled")
        known, name = texts()[item.kind][self.language], "title"
        if item.kind in _BY_DETAIL and item.detail in known:
            name = item.detail or name
        state = self.state(item.detail) or ""
        said = self.say(item.kind, name, item.count, vacancy=vacancy, state=state)
        return said.removesuffix(": ")

    def more(self, item: queries.Item) -> list[str]:
        """What stands below: the other side, or what was matched."""
        if item.names:
            found = [
                " · ".join(
                    part
                    for part in (
                        one_line(name.title, LONGEST) or self._nameless(item),
                        one_line(name.company, LONGEST),
                    )
                    if part
                )
                for name in item.names
            ]
            rest = item.count - len(found)
            return found + ([self.say("general", "names_more", rest)] if rest > 0 else [])
        other = item.company_name if item.side == "applicant" else item.resume_title
        reason = self.state(item.detail) if item.kind == "vacancy_closed" else None
        return [part for part in (one_line(other, LONGEST), reason, self.when(item)) if part]

    def when(self, item: queries.Item) -> str | None:
        """The time of an interview, by the clock of its place."""
        if (at := item.time) is None:
            return None
        return span_in_words(at.starts_at, at.minutes, at.time_zone, self.language)

    def _nameless(self, item: queries.Item) -> str:
        return self.say("general", "hidden" if item.side == "employer" else "untitled")

    def subject(self, items: Sequence[queries.Item], total: int) -> str:
        """What the mail is about."""
        if total == 1:
            return self.title(items[0])
        if len({item.kind for item in items}) == 1:
            count = sum(item.count for item in items) + total - len(items)
            return self.say(items[0].kind, "several", count)
        if total <= MOST_IN_SUBJECT:
            more = self.say("general", "and_more", total - 1)
            return f"{self.title(items[0])} {more}"
        return self.say("general", "mixed", total)


MOST_IN_SUBJECT = 5
"""With more notices of several kinds, the subject says how many there are."""


def letter(mail: Mail, board: Board) -> Letter:
    """The letter about these notices."""
    words = _Words(next((one for one in LANGUAGES if one == mail.language), "en"))
    items = sorted(mail.items, key=lambda one: (_ORDER.get(cast(Kind, one.kind), 99), -one.id.int))
    kinds = sorted({item.kind for item in items})
    mark = token(mail.user_id, mail.unsubscribe_key, cast(Sequence[Kind], kinds))
    where = urlencode({"token": mark})
    total = max(mail.total, len(items))
    is_one = total == 1
    more = [words.say("general", "and_more", total - len(items))] if total > len(items) else []
    return Letter(
        to=mail.email,
        language=words.language,
        subject=words.subject(items, total),
        lines=words.more(items[0]) if is_one else [],
        items=[
            Item(words.title(item), opening_path(item), words.more(item))
            for item in (() if is_one else items)
        ],
        button=(
            (words.say("general", "open"), opening_path(items[0]))
            if is_one
            else (words.say("general", "open_all"), NOTICES)
        ),
        after=[*more, words.say("general", "why", board=board.name)],
        links=[
            (words.say("general", "settings"), SETTINGS),
            (words.say("general", "unsubscribe"), f"{UNSUBSCRIBE}?{where}"),
        ],
        headers=_headers(board, where, mark),
        attachments=_calendar_files(mail, items, board, words.language),
    )


def _calendar_files(
    mail: Mail, items: Sequence[queries.Item], board: Board, language: Language
) -> list[Attachment]:
    """A file for each interview: two notices of one say the same by now."""
    found: dict[UUID, Attachment] = {}
    for item in items:
        if item.interview is not None and item.interview.id not in found:
            file = _calendar_file(mail, item, board, language)
            if file is not None:
                found[item.interview.id] = file
    return list(found.values())


def _calendar_file(
    mail: Mail, item: queries.Item, board: Board, language: Language
) -> Attachment | None:
    """What enters the interview of a notice into a calendar, or takes it out."""
    if item.interview is None:
        return None
    side: Side = "employer" if item.side == "employer" else "applicant"
    return calendar_file(
        item.interview,
        Reader(
            user_id=mail.user_id,
            email=mail.email,
            side=side,
            language=language,
            had_entry=item.kind == "interview_cancelled" and item.detail == MOVED,
        ),
        vacancy=item.vacancy_title,
        other=item.company_name if side == "applicant" else item.resume_title,
        sender=Address(board.name, board.address),
        site=board.public_url,
    )


def _headers(board: Board, where: str, mark: str) -> Mapping[str, str]:
    """RFC 2369 and RFC 8058: mail programs show a button, and post to the first address."""
    places = [f"<{board.public_url}{ONE_CLICK}?{where}>"]
    if board.unsubscribe_address is not None:
        subject = urlencode({"subject": f"unsubscribe {mark}"}).replace("+", "%20")
        places.append(f"<mailto:{board.unsubscribe_address}?{subject}>")
    return {
        "List-Unsubscribe": ", ".join(places),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def opening_path(item: queries.Item) -> str:
    """The address that marks the notice as read and leads to what it is about."""
    return f"{NOTICES}/{item.id}?{urlencode({'to': subject_path(item)}, safe='/')}"


def subject_path(item: queries.Item) -> str:
    """The page of what the notice is about."""
    if item.application_id is not None:
        return f"/applications/{item.application_id}"
    if item.kind == "recommended_candidate":
        if item.vacancy_id is not None:
            return f"/employer/vacancies/{item.vacancy_id}/candidates"
        return "/employer/matches/all"
    if item.kind == "recommended_vacancy" and (item.count > 1 or item.vacancy_id is None):
        return "/me/matches/all"
    if item.kind == "saved_search" and (item.count > 1 or item.vacancy_id is None):
        return f"/me/searches/{item.about_id}"
    if item.vacancy_id is not None:
        return f"{'/employer' if item.side == 'employer' else ''}/vacancies/{item.vacancy_id}"
    return "/employer" if item.side == "employer" else "/me"
