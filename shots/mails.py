"""The mails, each rendered with example values in both languages, in two widths."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from playwright.async_api import Browser

from hirewire.auth.mails.letters import Kind, letter, of_act, texts
from hirewire.auth.where import Where
from hirewire.kit.mail.letters import LANGUAGES, Language, Letter, Sender, as_html, as_text
from hirewire.notifications.mailing.presenters import Board
from hirewire.vacancies.verifying.commands import letter_with_code
from shots.notice_mails import notice_mails

WIDTHS = (600, 360)
SENDER = Sender("jobs@example.org", "Hirewire", "https://jobs.example.org")
READER = "alexandra.konstantinopolskaya@example.org"
WHERE = Where("Firefox, Windows", "203.0.113.0")
LINK = "/password/reset?token=q7LxOZ3mVh0S2tYb9cKf4RwN8eUaJdPg6iXoT1vMz5E"
CODES: frozenset[str] = frozenset({"email_verification", "email_change"})
WHY = {
    "en": "Asks applicants to pay before their first day of work.",
    "ru": "Требует от соискателей предоплату до выхода на работу.",
}


def examples() -> Iterator[tuple[str, Letter]]:
    """Each mail with its name, in each language."""
    for language in LANGUAGES:
        for kind in texts():
            yield kind, _letter(cast(Kind, kind), language)
        yield "company_code", letter_with_code(READER, language, "482915")
        yield from notice_mails(language, READER, Board(SENDER.name, SENDER.public_url))


def _letter(kind: Kind, language: Language) -> Letter:
    moment = datetime(2026, 11, 29, 15, 4, tzinfo=UTC)
    values = {
        **of_act(WHERE, language, moment),
        "why": WHY[language],
        "address": READER,
        "key": "ATS",
        "who": READER,
    }
    code = "482915" if kind in CODES else None
    return letter(kind, to=READER, language=language, link=LINK, code=code, values=values)


async def take_mails(browser: Browser, folder: Path) -> None:
    """A picture of each mail's HTML, and its text."""
    page = await browser.new_page()
    for name, example in examples():
        file = folder / f"mail-{name}-{example.language}"
        file.with_suffix(".txt").write_text(as_text(example, SENDER), encoding="utf-8")
        await page.set_content(as_html(example, SENDER))
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 300})
            wide = await page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                raise AssertionError(f"{file.name} is {wide} px wide")
            await page.screenshot(path=file.with_name(f"{file.name}-{width}.png"), full_page=True)
    await page.close()
