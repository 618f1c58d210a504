"""All texts of the pages, of the resume's PDF and of mails, and their table `docs/copy.md`.

`./dev texts --write` writes the table; `./dev texts --check` fails if it is out of date.
"""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

WEB = Path(__file__).parent.parent
CATALOGUE = WEB / "locale" / "ru" / "hirewire.po"
COMMAND = "./dev texts --write"
TABLE = Path("docs") / "copy.md"
SEVERAL = "Several pages"
PDF = "PDF of a resume"
MAILS = "Mails"
MAIL_PACKAGES = (
    "hirewire.auth.mails",
    "hirewire.vacancies.verifying",
    "hirewire.notifications.mailing",
)
PAGES: dict[str, tuple[str, ...]] = {
    "Every page": ("base.html", "unread.html", "toast.html", "rendering.py", "list.html"),
    "Start page": ("start.html",),
    "Jobs": ("vacancies.html", "saved.html", "heart.html", "saved.py"),
    "Job": ("vacancy.html", "gone.html", "apply.html", "fit.html"),
    "Company": ("company.html",),
    "Sign-in and sign-up": (
        *("signin.html", "signup.html", "second_step.html", "account.py"),
        *("signup_with.html", "signup_role.html", "signup_consent.html"),
        *("providers.html", "connect.html", "leaving.html", "provider_failed.html"),
    ),
    "Forgotten password": ("forgot.html", "new_password.html"),
    "Account and security": (
        *("account_data.html", "export.html", "keep.html", "exporting.py", "zips.py"),
        *("account.html", "account_address.html", "account_password.html", "account_sessions.html"),
        "change_email.html",
        *("account_log.html", "security_log.html", "account_identities.html"),
        *("account_passkeys.html", "passkey_new.html", "passkey.html"),
        *("account_two_step.html", "two_step.html", "two_step_setup.html", "recovery_codes.html"),
        *("account_tokens.html", "token_made.html"),
        *("verify.html", "verify_first.html", "code.html"),
        *("account.html", "verify.html", "verify_first.html", "code.html"),
        *("account_delete.html", "delete_account.html", "receipt.html"),
    ),
    "Administration": (
        *("admin.html", "admin_people.html", "admin_person.html", "admin_log.html"),
        *("admin_fields.html", "operators.py", "stronger.html"),
    ),
    "About, privacy, contact": ("about.html", "privacy.html", "contact.html"),
    "Webhooks": (
        *("webhooks.html", "webhook.html", "webhook_fields.html", "webhook_secret.html"),
        "webhook_delivery.html",
    ),
    "Notifications": ("notices.html", "notices.py", "push.html", "pushing.py"),
    "Notification settings": (
        *("notification_settings.html", "notification_settings.py", "zones.py"),
        *("account_notifications.html", "unsubscribe.html", "unsubscribing.py"),
    ),
    "Kept mails": ("kept_mail.html",),
    "Dashboard": (
        *("home.html", "profile.html", "matches.html", "applications.html", "searches.html"),
        "saved_jobs.html",
        *(
            "first_steps.html",
            "new_resume.html",
            "imported.html",
            "read_resume.html",
            "checking.html",
            "candidate.py",
        ),
    ),
    "Resume": (
        *("resume.html", "resume_blocks.html", "block.html", "items.html", "item.html"),
        *("standing.html", "reach.html", "audience.html", "reading.html"),
        "meant.html",
        *("shared.html", "whole_resume.html", "resumes.py"),
    ),
    "Employer's dashboard": (
        *("hire.html", "employer.html", "company_edit.html", "new_vacancy.html"),
        *("api_keys.html", "api_key.html", "api_key_made.html", "key_parts.html"),
        "read_vacancy.html",
        *("my_vacancies.html", "received.html", "resumes_matched.html", "feed.html"),
        "employer.py",
    ),
    "Reports": ("report.html", "admin_reports.html", "admin_report.html", "decisions.html"),
    "Verified companies": ("admin_companies.html", "admin_company.html", "verification.html"),
    "Job editor": ("vacancy_edit.html", "vacancy_fields.html", "vacancy_wrong.html", "price.html"),
    "Board": ("job.html", "board.html", "cards.html", "stage.html"),
    "Candidates": ("candidates.html", "candidate.html", "resumes.html", "card.html"),
    "Application": ("application.html", "applications.py", "interview.html"),
    "Interviews": ("interviews.html", "interviews_ahead.html"),
    "Errors and system status": (
        *("missing.html", "wrong.html", "away.html", "again.html", "starting.html"),
        "blocked.html",
        *("status.html", "api.html", "failures.py"),
    ),
    "Form fields and lists": ("fields.html", "facets.html"),
    "Style guide": ("styleguide.html",),
    "Values and problems": ("labels.py", "words.py", "problem_texts.py"),
}
"""The source files of each page."""
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "N_", "gettext", "text")),
    **dict.fromkeys(("ngettext", "plural"), (1, 2)),
    "pgettext": ((1, "c"), 2),
    "Plural": (1, 2),
}


@dataclass
class Text:
    """A text in English, with its plural if it has one, and the files that use it."""

    english: tuple[str, ...]
    context: str | None
    used_in: set[str] = field(default_factory=set)

    @property
    def page(self) -> str:
        """The page that uses it. Raises `KeyError` for a file that no page lists."""
        pages = {_PAGE_OF[name.rsplit("/", 1)[-1]] for name in self.used_in}
        return pages.pop() if len(pages) == 1 else SEVERAL


_PAGE_OF = {name: page for page, names in PAGES.items() for name in names}


def used() -> list[Text]:
    """The texts in the sources, with the files that use each."""
    found: dict[tuple[str | None, tuple[str, ...]], Text] = {}
    for file, _, message, _, context in extract_from_dir(
        str(WEB),
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")],
        keywords=_KEYWORDS,
    ):
        english = _forms(message)
        text = found.setdefault((context, english), Text(english, context))
        text.used_in.add(str(file))
    return sorted(found.values(), key=lambda text: (text.english[0].casefold(), text.context or ""))


def translated() -> dict[tuple[str | None, tuple[str, ...]], tuple[str, ...]]:
    """The Russian translations (one per plural form) by context and English text."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="ru")
    return {
        (message.context, _forms(message.id)): _forms(message.string)
        for message in catalogue
        if message.id
    }


def _forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def printed() -> list[tuple[str, str]]:
    """The texts of the PDF template, in English and Russian."""
    source = files("hirewire.profiles").joinpath("resume.typ").read_text(encoding="utf-8")
    blocks = re.search(r"#let words = \(\s*en: \((.*?)\n  \),\s*ru: \((.*?)\n  \),", source, re.S)
    assert blocks is not None
    english, russian = (dict(re.findall(r'(\w+): "([^"]*)"', block)) for block in blocks.groups())
    assert english.keys() == russian.keys()
    return [(english[key], russian[key]) for key in english]


def mailed() -> list[tuple[str, str]]:
    """The texts of mails, in English and Russian."""
    sources = [
        files(package).joinpath("texts.toml").read_text(encoding="utf-8")
        for package in MAIL_PACKAGES
    ]
    pairs: list[tuple[str, str]] = []
    for name, by_language in tomllib.loads("\n".join(sources)).items():
        english, russian = (_flat(by_language[language]) for language in ("en", "ru"))
        assert len(english) == len(russian), name
        pairs += zip(english, russian, strict=True)
    return list(dict.fromkeys(pairs))


def _flat(said: dict[str, str | list[str] | dict[str, str]]) -> list[str]:
    """The texts of one mail, in order; plural forms as one."""
    texts: list[str] = []
    for value in said.values():
        if isinstance(value, dict):
            texts.append(" / ".join(dict.fromkeys(value.values())))
        else:
            texts += _forms(value)
    return texts


def table() -> str:
    """The content of `docs/copy.md`."""
    russian = translated()
    rows: dict[str, list[str]] = defaultdict(list)
    for text in used():
        context = f" *({text.context})*" if text.context else ""
        said = russian.get((text.context, text.english), ("",))
        shown = (re.sub("^(templates|i18n)/", "", name) for name in sorted(text.used_in))
        names = ", ".join(f"`{name}`" for name in shown)
        rows[text.page].append(_row(_cell(*text.english) + context, _cell(*said), names))
    rows[PDF] = [_row(*map(_cell, words), "`resume.typ`") for words in printed()]
    rows[MAILS] = [_row(*map(_cell, words), "`texts.toml`") for words in mailed()]
    return "\n".join(_lines(rows)) + "\n"


def _lines(rows: dict[str, list[str]]) -> Iterator[str]:
    yield "# Texts of the pages"
    yield ""
    yield f"Generated from the sources and the Russian catalogue: `{COMMAND}`."
    yield "`%(num)s` and similar are placeholders. Forms for one and many are separated by ` / `."
    for page in (*PAGES, PDF, MAILS, SEVERAL):
        if rows[page]:
            yield from ("", f"## {page}", "", "| English | Russian | Used in |", "|---|---|---|")
            yield from rows[page]


def _cell(*forms: str) -> str:
    return re.sub(r"[|*\\]", r"\\\g<0>", " / ".join(forms))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> int:
    """Write the table, or check that it is up to date."""
    if arguments == ["--write"]:
        TABLE.write_text(table(), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        if TABLE.is_file() and TABLE.read_text(encoding="utf-8") == table():
            return 0
        sys.stderr.write(f"{TABLE} is out of date: {COMMAND}\n")
        return 1
    sys.stderr.write("usage: ./dev texts --write | --check\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
