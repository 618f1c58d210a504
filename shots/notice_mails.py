"""The mails about notices, one of each kind and one that gathers them, with example values."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from hirewire.kit.mail.letters import Language, Letter
from hirewire.notifications.calendar_files import AboutInterview
from hirewire.notifications.kinds import DEFAULTS
from hirewire.notifications.mailing.presenters import Board, letter
from hirewire.notifications.mailing.queries import Item, Mail, Name, Time

AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
START = datetime(2026, 12, 2, 7, 30, tzinfo=UTC)
ZONE = "Asia/Yekaterinburg"
COMPANY = {"en": "Northern Bread", "ru": "Северный хлеб"}
TITLES = {
    "en": ("Pastry chef", "Database administrator", "W" * 200, "Barista", "Baker", "Sous-chef"),
    "ru": ("Кондитер", "Администратор баз данных", "Щ" * 200, "Бариста", "Пекарь", "Су-шеф"),
}
DETAILS = {
    "application_moved": ("in_progress", "offer", "declined"),
    "application_answered": ("accepted", "declined", "withdrawn"),
    "interview_declined": (None, "other_times"),
    "interview_proposed": (None, "moved"),
    "vacancy_closed": ("filled",),
}
COUNTS = {"message": (1, 2, 21), "recommended_candidate": (1, 7), "recommended_vacancy": (1, 21)}


def notice_mails(language: Language, reader: str, board: Board) -> Iterator[tuple[str, Letter]]:
    """Each mail with its name."""
    gathered: list[Item] = []
    for kind, default in DEFAULTS.items():
        side = default.side or "applicant"
        for detail in DETAILS.get(kind, (None,)):
            for count in COUNTS.get(kind, (1,)):
                item = _item(len(gathered), language, kind, side, detail, count)
                gathered.append(item)
                name = "-".join(str(one) for one in (kind, detail, count) if one not in (None, 1))
                yield f"notice-{name}", letter(_mail(language, reader, [item]), board)
    yield "notices", letter(_mail(language, reader, gathered), board)
    messages = [one for one in gathered if one.kind == "message"]
    yield "notices-of-one-kind", letter(_mail(language, reader, messages), board)
    yield "notices-of-two-kinds", letter(_mail(language, reader, [gathered[0], *messages]), board)


def _mail(language: Language, reader: str, items: list[Item]) -> Mail:
    return Mail(UUID(int=1), reader, language, UUID(int=2), items, len(items))


def _item(
    nth: int, language: Language, kind: str, side: str, detail: str | None, count: int
) -> Item:
    titles, company = TITLES[language], COMPANY[language]
    is_match = kind in ("recommended_candidate", "recommended_vacancy", "saved_search")
    has_time = kind in ("interview_chosen", "interview_cancelled")
    shown = titles[:5] if is_match else ()
    return Item(
        id=UUID(int=100 + nth),
        kind=kind,
        side=side,
        at=AT,
        count=count,
        detail=detail,
        application_id=None if is_match else UUID(int=3),
        vacancy_id=UUID(int=4),
        resume_id=UUID(int=5),
        about_id=UUID(int=6),
        vacancy_title=titles[nth % len(titles)],
        company_name=company,
        resume_title=titles[0],
        names=[Name(one, None if side == "employer" else company) for one in shown[:count]],
        time=Time(START, 45, ZONE) if has_time else None,
        interview=_interview(kind) if has_time else None,
    )


def _interview(kind: str) -> AboutInterview:
    return AboutInterview(
        id=UUID(int=7),
        application_id=UUID(int=3),
        version=2,
        state=kind.removeprefix("interview_"),
        starts_at=START,
        minutes=45,
        time_zone=ZONE,
        place="https://meet.example/bread",
        at=AT,
        employer_id=UUID(int=8),
    )
