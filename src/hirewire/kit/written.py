"""Parses amounts and dates that people write in English or Russian."""

import re
from decimal import ROUND_HALF_UP, Decimal

CURRENCIES = {
    "RUB": r"₽|руб(?:\.|лей|ля|ль)?|р\.?|rub|rur",
    "USD": r"\$|usd",
    "EUR": r"€|евро|eur",
    "GBP": r"£|gbp",
    "KZT": r"₸|тенге|kzt",
    "UAH": r"₴|uah",
    "BYN": r"byn",
    "GEL": r"₾|gel",
    "AMD": r"֏|amd",
    "TRY": r"₺|try",
}
_SIGN = "|".join(CURRENCIES.values())
_NUMBER = r"-?[0-9][0-9.,'’]*"
_AMOUNT = re.compile(rf"(?:{_SIGN})?({_NUMBER})(?:{_SIGN})?", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:([,.'’])[0-9]{3}(?:\1[0-9]{3})*)?")
_FRACTION = re.compile(r"(?<=[0-9])[.,]([0-9]{1,2})")
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]")
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


def whole_amount(text: str, *, rounded: bool = False) -> int:
    """Parse a whole number: `120 000 ₽`, `2,800`, `£2,800`, `2.800`, `100000,00`, `1.000,00`.

    One or two digits after the last comma or point are a fraction. It must be zero, or is rounded
    with `rounded`. Raises `ValueError`.
    """
    match = _AMOUNT.fullmatch(_SPACES.sub("", text))
    digits = match[1] if match else ""
    fraction = _FRACTION.search(digits, max(0, len(digits) - 3))
    whole, part = digits, "0"
    if fraction and fraction.end() == len(digits):
        whole, part = digits[: fraction.start()], fraction[1]
    if thousands := _THOUSANDS.fullmatch(whole):
        whole = whole.replace(thousands[1] or ",", "")
    if not re.fullmatch(r"-?[0-9]{1,18}", whole) or (int(part) and not rounded):
        raise ValueError("must be a whole number")
    return int(Decimal(f"{whole}.{part}").quantize(Decimal(1), ROUND_HALF_UP))


def currency_in(text: str) -> str | None:
    """The currency whose sign or code is next to an amount; None without one."""
    sign = re.sub(_NUMBER, "", _SPACES.sub("", text))
    fits = (c for c, pattern in CURRENCIES.items() if re.fullmatch(pattern, sign, re.IGNORECASE))
    return next(fits, None)


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
