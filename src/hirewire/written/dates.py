"""Parses dates, and finds periods and durations."""

import re

OPEN_END = re.compile(
    r"(?:till |until |to |по )?(?:present|now|current|currently|ongoing|today|date|"
    r"настоящее время|наст\. ?время|н\. ?в\.?|сейчас|сегодня|текущее время|сей день)|[-–—.…]+",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_MONTHS = (
    "jan|january|янв|январь|января",
    "feb|february|фев|февр|февраль|февраля",
    "mar|march|мар|март|марта",
    "apr|april|апр|апрель|апреля",
    "may|май|мая",
    "jun|june|июн|июнь|июня",
    "jul|july|июл|июль|июля",
    "aug|august|авг|август|августа",
    "sep|sept|september|сен|сент|сентябрь|сентября",
    "oct|october|окт|октябрь|октября",
    "nov|november|ноя|нояб|ноябрь|ноября",
    "dec|december|дек|декабрь|декабря",
)
_MONTH_OF = {name: n for n, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_MONTH_AND_YEAR = re.compile(r"([^\W\d_]+)\.?,?\s*([0-9]{4})(?:\s*г(?:\.|ода?)?)?", re.IGNORECASE)
_NUMBERS_AND_YEAR = re.compile(r"(?:([0-9]{1,2})\s*[./-]\s*)?([0-9]{1,2})\s*[./-]\s*([0-9]{4})")
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:[./-]([0-9]{1,2})(?:[./-]([0-9]{1,2}))?)?")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    r"|янв(?:ар[ьея])?|фев(?:рал[ьея])?|мар(?:та?)?|апр(?:ел[ьея])?|ма[йяе]|июн[ьея]?|июл[ьея]?"
    r"|авг(?:уста?)?|сен(?:т(?:ябр[ьея])?)?|окт(?:ябр[ьея])?|ноя(?:б(?:р[ьея])?)?|дек(?:абр[ьея])?)"
)
_YEAR = r"(?:19|20)[0-9]{2}"
DATE = (
    rf"(?:{_MONTH}\.?,?\s+{_YEAR}|(?:0?[1-9]|1[0-2])[./]{_YEAR}"
    rf"|{_YEAR}[./-](?:0[1-9]|1[0-2])|{_YEAR})"
)
NOW = (
    r"(?:present|now|current(?:ly)?|today|ongoing|till now|по наст(?:оящее|\.)? ?(?:время|вр\.?)?"
    r"|настоящее время|наст\. ?вр(?:емя|\.)|н\. ?в\.?|сейчас|сегодня|текущее время)"
)
PERIOD = re.compile(
    rf"(?<![\w/.])(?:с |from )?(?P<start>{DATE})(?:\s*г(?:ода|\.)?)?"
    rf"\s*(?:-|–|—|−|to|until|по|до)\s*(?P<end>{DATE}|{NOW})(?:\s*г(?:ода|\.)?)?(?!\w)",
    re.IGNORECASE,
)
YEAR = re.compile(rf"(?<![\w/.]){_YEAR}(?!\w)")
DURATION = re.compile(
    r"\(?\s*(?:[0-9]+\s*(?:years?|yrs?|months?|mos?|лет|года?|месяц[а-я]{0,3}|мес\.?)\s*)+\)?",
    re.IGNORECASE,
)
_OF_DATES = re.compile(
    rf"{DATE}|{NOW}|(?<!\w){_MONTH}(?!\w)|(?<!\w)(?:с|по|г|года?)(?!\w)\.?"
    r"|[0-9]+\s*(?:years?|months?|лет|года?|месяц[а-я]{0,3}|мес\.?)|[-–—]",
    re.IGNORECASE,
)


def is_open_end(text: str) -> bool:
    """Whether the text means that a period is still open: `present`, `н. в.`."""
    return OPEN_END.fullmatch(text.strip()) is not None


def partial_date(text: str) -> str:
    """Convert a written date to `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: `03/2019`, `03.2019`, `2019/3`,
    `31.12.2019`, `март 2019`, `March 2019`. Any other text is returned unchanged.

    So is a date with slashes whose day and month could be swapped.
    """
    date = _date_in(text.strip())
    return date if date is not None and _DATE.fullmatch(date) else text


def _date_in(text: str) -> str | None:
    if match := _YEAR_FIRST.fullmatch(text):
        return "-".join(part.zfill(2) for part in match.groups() if part)
    if match := _NUMBERS_AND_YEAR.fullmatch(text):
        first, second, year = match.groups()
        if first is None:
            return f"{year}-{second.zfill(2)}"
        if "." in text or int(first) > 12 or first == second:
            return f"{year}-{second.zfill(2)}-{first.zfill(2)}"
        return f"{year}-{first.zfill(2)}-{second.zfill(2)}" if int(second) > 12 else None
    if match := _MONTH_AND_YEAR.fullmatch(text):
        month = _MONTH_OF.get(match[1].casefold())
        return f"{match[2]}-{month:02}" if month else None
    return None


def is_of_dates(text: str) -> bool:
    """Whether there is nothing but dates and durations. A loop in a pattern could run away."""
    return not _OF_DATES.sub("", text).strip()
