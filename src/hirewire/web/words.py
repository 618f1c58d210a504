"""The words of the pages, in the languages there are: gettext catalogues, dates, numbers, money."""

import gettext
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = {"en": "English", "ru": "Русский"}


def N_(text: str) -> str:  # noqa: N802
    """Mark a text that is translated where it is shown."""
    return text


LABELS = {
    "on_site": N_("on site"),
    "hybrid": N_("hybrid"),
    "remote": N_("remote"),
    "FULL_TIME": N_("full time"),
    "PART_TIME": N_("part time"),
    "CONTRACTOR": N_("contract"),
    "TEMPORARY": N_("temporary"),
    "INTERN": N_("internship"),
    "VOLUNTEER": N_("volunteering"),
    "PER_DIEM": N_("per diem"),
    "OTHER": N_("other"),
    "noExperience": N_("no experience needed"),
    "between1And3": N_("1 to 3 years of experience"),
    "between3And6": N_("3 to 6 years of experience"),
    "moreThan6": N_("more than 6 years of experience"),
    "HOUR": N_("an hour"),
    "DAY": N_("a day"),
    "WEEK": N_("a week"),
    "MONTH": N_("a month"),
    "YEAR": N_("a year"),
    "native": N_("native"),
    "must": N_("must have"),
    "nice": N_("nice to have"),
    "draft": N_("draft"),
    "published": N_("published"),
    "hidden": N_("hidden"),
    "paused": N_("paused"),
    "closed": N_("closed"),
    "archived": N_("archived"),
    "no_one": N_("Nobody"),
    "recommended": N_("Employers whose vacancy it fits: without name and contacts"),
    "applied": N_("Only employers to whom I apply"),
    "link": N_("Whoever has the link: without contacts"),
    "new": N_("new"),
    "shortlisted": N_("kept in view"),
    "response": N_("New"),
    "consider": N_("In view"),
    "phone_interview": N_("Call"),
    "assessment": N_("Test task"),
    "interview": N_("Interview"),
    "offer": N_("Offer"),
    "hired": N_("Hired"),
    "discard_by_employer": N_("Declined"),
    "discard_by_applicant": N_("Withdrawn"),
    "discard_vacancy_closed": N_("Vacancy closed"),
    "sent": N_("sent, not looked at yet"),
    "viewed": N_("looked at"),
    "in_progress": N_("under consideration"),
    "invited": N_("you are invited"),
    "declined": N_("declined"),
    "withdrawn": N_("withdrawn by you"),
    "created": N_("a new resume"),
    "updated": N_("resume changed"),
    "deleted": N_("resume deleted"),
    "experience_added": N_("experience added"),
    "experience_updated": N_("experience changed"),
    "experience_removed": N_("experience taken out"),
    "education_added": N_("education added"),
    "education_updated": N_("education changed"),
    "education_removed": N_("education taken out"),
    "publish": N_("Publish"),
    "pause": N_("Pause"),
    "close": N_("Close"),
    "archive": N_("Put away"),
    "met": N_("fits"),
    "partly": N_("fits in part"),
    "missing": N_("missing"),
    "conflict": N_("conflicts"),
    "unknown": N_("not said"),
    "skill": N_("skill"),
    "title": N_("title"),
    "occupation": N_("occupation"),
    "experience": N_("experience"),
    "salary": N_("pay"),
    "area": N_("place"),
    "language": N_("language"),
    "work_format": N_("where"),
    "employment_type": N_("employment"),
    "company": N_("company"),
    "summary": N_("about me"),
    "skills": N_("skills"),
    "employmentTypes": N_("employment"),
    "workFormats": N_("where I work"),
    "languages": N_("languages"),
    "education": N_("education"),
    "not_a_fit": N_("not a fit"),
    "position_filled": N_("the position is filled"),
    "no_response": N_("no answer"),
    "other": N_("another reason"),
    "filled": N_("filled"),
    "cancelled": N_("cancelled"),
    "expired": N_("expired"),
    "auth": N_("Accounts"),
    "profiles": N_("Profiles and resumes"),
    "vacancies": N_("Vacancies"),
    "light": N_("Light"),
    "dark": N_("Dark"),
    "as_system": N_("As the system"),
    "by_date": N_("newest first"),
    "by_pay": N_("best paid first"),
    "ready": N_("works"),
    "starting": N_("starts"),
    "away": N_("away"),
}
"""Values on the wire, as people read them."""

PROBLEMS = (
    (r"String should have at least 1 character|Field required", N_("must be filled in")),
    (r"(?:String should have )?at least (\d+) characters", N_("at least %s characters")),
    (r"(?:String should have )?at most (\d+) characters", N_("at most %s characters")),
    (r"must not be the e-mail address", N_("must not be the email address")),
    (r".*(?:email|@-sign|e-mail address).*valid.*|.*@-sign.*", N_("is not an email address")),
    (r".*valid (?:integer|number).*|must be a whole number", N_("must be a whole number")),
    (r"Input should be greater than or equal to (\d+)", N_("must be %s or more")),
    (r"Input should be less than or equal to (\d+)", N_("must be %s or less")),
    (r"must not be in the past|has passed", N_("must not be in the past")),
    (r"must be a day as YYYY-MM-DD", N_("must be a day as YYYY-MM-DD")),
    (r"must be YYYY, .*", N_("must be YYYY, YYYY-MM or YYYY-MM-DD")),
    (r"is not in the calendar", N_("is not in the calendar")),
    (r"must be a currency code.*|String should match.*", N_("must be a code as RUB or EUR")),
    (r"min or max is needed", N_("one of the two is needed")),
    (r"max must not be less than min", N_("the end must not be less than the beginning")),
    (r"(?:end|endYear) must not be before.*", N_("the end must not be before the beginning")),
    (r"needed for a published .*", N_("needed before it is published")),
    (r"must be 5 to 20 digits.*", N_("must be 5 to 20 digits")),
    (r"(.*) is asked for twice", N_("%s is asked for twice")),
    (r"The e-mail address or the password is wrong\.", N_("The email or the password is wrong.")),
    (
        r"The e-mail address is registered already\.",
        N_("This email is registered already."),
    ),
    (r"Too many failed logins.*", N_("There were too many failures. Try again later.")),
    (r"Some fields do not fit\.", N_("Some fields are not right.")),
    (r"Mandatory fields are missing\.|.*mandatory.*", N_("Something is missing.")),
)
"""What services say of a field, and how people read it beside it; anything else as it is."""


@dataclass(frozen=True)
class Words:
    """One language."""

    lang: str
    text: Callable[[str], str]
    plural: Callable[[str, str, int], str]

    def label(self, value: object) -> str:
        """A value on the wire, as people read it."""
        return self.text(LABELS[str(value)]) if str(value) in LABELS else str(value)

    def place(self, area: str | None, work_format: str | None) -> str:
        """Where the work is; the same thing is not said twice, in whatever language it was."""
        where = [self.label(work_format)] if work_format else []
        said = {words(lang).label(work_format).casefold() for lang in LANGUAGES}
        return " · ".join(([area] if area and area.casefold() not in said else []) + where)

    def problem(self, detail: str) -> str:
        """What a service says is wrong, in this language where it is known."""
        for pattern, said in PROBLEMS:
            if found := re.fullmatch(pattern, detail):
                return self.text(said) % found.groups()
        return self.text(detail)

    def number(self, value: float) -> str:
        """With this language's separators."""
        return _number(self.lang, value)

    def percent(self, share: float) -> str:
        """A share of one."""
        return numbers.format_percent(share, locale=self.lang)

    def money(self, salary: Mapping[str, Any] | None) -> str:
        """A salary of a vacancy (`min`, `max`) or of a resume (`amount`)."""
        if not salary:
            return ""
        low, high = salary.get("min", salary.get("amount")), salary.get("max")
        sign = _sign(self.lang, salary["currency"])
        if low is not None and high is not None and low != high:
            amount = f"{self.number(low)}–{self.number(high)}"
        elif high is not None and low is None:
            amount = self.text("up to %s") % self.number(high)
        elif "amount" in salary or low == high:
            amount = self.number(low or 0)
        else:
            amount = self.text("from %s") % self.number(low or 0)
        return f"{amount}\u00a0{sign} {self.label(salary['unit'])}"

    def day(self, value: str | None) -> str:
        """A moment or day of ISO 8601, as a day."""
        if not value:
            return ""
        found = date.fromisoformat(value[:10])
        return dates.format_date(found, "d MMMM y", locale=self.lang)

    def month(self, value: str | None) -> str:
        """A part of a date of ISO 8601 (`2020`, `2020-03`, `2020-03-01`), as month and year."""
        if not value or len(value) < 7:
            return value or ""
        found = date(int(value[:4]), int(value[5:7]), 1)
        return dates.format_date(found, "LLLL y", locale=self.lang)

    def period(self, start: str | None, end: str | None) -> str:
        """From one such month to another, or until now."""
        return f"{self.month(start)} – {self.month(end) or self.text('now')}"

    def months(self, count: int) -> str:
        """So much experience."""
        years, rest = divmod(count, 12)
        if years:
            said = self.plural("%(num)s year", "%(num)s years", years)
            count = years
        elif rest:
            said = self.plural("%(num)s month", "%(num)s months", rest)
        else:
            return ""
        return said.replace("%(num)s", self.number(count))

    def ago(self, value: str) -> str:
        """How long ago it was."""
        moment = datetime.fromisoformat(value)
        passed = (datetime.now(moment.tzinfo) - moment).total_seconds()
        # As coarse as it is said, so that what is asked for again and again is known.
        unit = next((unit for unit in (86400, 3600, 60) if passed >= 10 * unit), 1)
        return _ago(self.lang, int(passed) // unit * unit)


@lru_cache(maxsize=10_000)
def _number(lang: str, value: float) -> str:
    return numbers.format_decimal(value, locale=lang)


@lru_cache(maxsize=1_000)
def _sign(lang: str, currency: str) -> str:
    return numbers.get_currency_symbol(currency, locale=lang)


@lru_cache(maxsize=10_000)
def _ago(lang: str, seconds: int) -> str:
    return dates.format_timedelta(-seconds, add_direction=True, locale=lang)


@cache
def words(lang: str) -> Words:
    """The words of a language that is in `LANGUAGES`."""
    if lang == "en":
        found: gettext.NullTranslations = gettext.NullTranslations()
    else:
        with (LOCALE / lang / "hirewire.po").open("rb") as file:
            catalogue = read_po(file, locale=lang)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        found = gettext.GNUTranslations(compiled)
    return Words(lang, found.gettext, found.ngettext)


def preferred(accept_language: str) -> str:
    """Russian when it is preferred to English by `Accept-Language` (RFC 9110), else English."""
    weights = {"ru": 0.0, "en": 0.001}
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "ru" if weights["ru"] > weights["en"] else "en"
