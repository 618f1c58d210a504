"""What a push says: no more than a lock screen may show to anybody."""

import json
from typing import TypeAlias

from hirewire.notifications.pushing.queries import Due

Language: TypeAlias = str
LONGEST = 120
"""Characters of a title or a name."""
PADDED_TO = 512
"""The length of a push is a multiple of it: it says little about the content."""

_TEXTS: dict[str, tuple[str, str]] = {
    "application_received": ("New application", "Новый отклик"),
    "application_answered": ("The candidate has answered", "Кандидат ответил"),
    "application_answered accepted": ("Invitation accepted", "Приглашение принято"),
    "application_answered declined": ("Invitation declined", "Приглашение отклонено"),
    "application_answered withdrawn": ("Application withdrawn", "Отклик отозван"),
    "application_moved": ("Your application has a new status", "Новый статус вашего отклика"),
    "invitation": ("Invitation to apply", "Приглашение откликнуться"),
    "interview_proposed": ("Choose a time for an interview", "Выберите время интервью"),
    "interview_chosen": ("Interview scheduled", "Время интервью согласовано"),
    "interview_declined": (
        "The candidate declined the interview",
        "Кандидат отказался от интервью",
    ),
    "interview_declined other_times": (
        "The candidate asks for other times",
        "Кандидат просит другое время",
    ),
    "interview_cancelled": ("Interview cancelled", "Интервью отменено"),
    "vacancy_closed": ("The job is closed", "Вакансия закрыта"),
}
"""English and Russian, by the kind, or by the kind and the detail."""
_COUNTED = {
    "message": (
        ("New message", "%s new messages"),
        ("%s новое сообщение", "%s новых сообщения", "%s новых сообщений"),
    ),
    "recommended_candidate": (
        ("%s new candidate", "%s new candidates"),
        ("%s новый кандидат", "%s новых кандидата", "%s новых кандидатов"),
    ),
    "saved_search": (
        ("%s new job in a saved search", "%s new jobs in a saved search"),
        (
            "%s новая вакансия по запросу",
            "%s новые вакансии по запросу",
            "%s новых вакансий по запросу",
        ),
    ),
    "recommended_vacancy": (
        ("%s new job for you", "%s new jobs for you"),
        ("%s новая вакансия для вас", "%s новые вакансии для вас", "%s новых вакансий для вас"),
    ),
}
_OTHER = ("New notification", "Новое уведомление")
KNOWN = frozenset({*_TEXTS, *_COUNTED})


def message(due: Due) -> bytes:
    """The content of a push: what the service worker shows, and the notice that it opens."""
    language = "ru" if due.language == "ru" else "en"
    names = [due.vacancy_title, due.company_name if due.side == "applicant" else None]
    content = {
        "id": str(due.notice_id),
        "lang": language,
        "title": _title(due.kind, due.detail, due.count, language),
        "body": " · ".join(_cut(name) for name in names if name),
        "count": due.count,
        "at": int(due.at.timestamp() * 1000),
    }
    text = json.dumps(content, ensure_ascii=False).encode()
    return text.ljust(-(-len(text) // PADDED_TO) * PADDED_TO)


def _title(kind: str, detail: str | None, count: int, language: Language) -> str:
    is_russian = language == "ru"
    if kind in _COUNTED:
        english, russian = _COUNTED[kind]
        forms = russian if is_russian else english
        said = forms[_russian(count) if is_russian else int(count != 1)]
        if count == 1:
            said = said.removeprefix("%s ")
            return f"{said[0].upper()}{said[1:]}"
        return said.replace("%s", str(count))
    texts = _TEXTS.get(f"{kind} {detail}") or _TEXTS.get(kind) or _OTHER
    return texts[is_russian]


def _russian(count: int) -> int:
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14 else 2


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
