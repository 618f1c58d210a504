"""Amounts and dates as people write them, in English and Russian."""

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
    """A whole number: `120 000 ₽`, `2,800`, `£2,800`, `2.800`, `100000,00`, `1.000,00`.

    One or two digits behind a last comma or point are a fraction, which must be zero or, with
    `rounded`, is rounded. Raises `ValueError`.
    """
    found = _AMOUNT.fullmatch(_SPACES.sub("", text))
    digits = found[1] if found else ""
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
    """The currency whose sign or code stands beside an amount."""
    sign = re.sub(_NUMBER, "", _SPACES.sub("", text))
    fits = (c for c, pattern in CURRENCIES.items() if re.fullmatch(pattern, sign, re.IGNORECASE))
    return next(fits, None)


def is_open_end(text: str) -> bool:
    """Whether this says, in place of a date, that something still lasts: `present`, `н. в.`."""
    return OPEN_END.fullmatch(text.strip()) is not None


def partial_date(text: str) -> str:
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD` of what people write: `03/2019`, `03.2019`, `2019/3`,
    `31.12.2019`, `март 2019`, `March 2019`. What is none of these stays as it is.

    Of three numbers with slashes a day and a month that could be either way round stay too.
    """
    found = _date_in(text.strip())
    return found if found is not None and _DATE.fullmatch(found) else text


def _date_in(text: str) -> str | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return "-".join(part.zfill(2) for part in found.groups() if part)
    if found := _NUMBERS_AND_YEAR.fullmatch(text):
        first, second, year = found.groups()
        if first is None:
            return f"{year}-{second.zfill(2)}"
        if "." in text or int(first) > 12 or first == second:
            return f"{year}-{second.zfill(2)}-{first.zfill(2)}"
        return f"{year}-{first.zfill(2)}-{second.zfill(2)}" if int(second) > 12 else None
    if found := _MONTH_AND_YEAR.fullmatch(text):
        month = _MONTH_OF.get(found[1].casefold())
        return f"{found[2]}-{month:02}" if month else None
    return None
