"""Parses amounts of money."""

import re
from decimal import ROUND_HALF_UP, Decimal

CURRENCIES = {
    "RUB": r"₽|руб(?:\.|лей|ля|ль)?|р\.?|rub|rur",
    "USD": r"\$|usd",
    "EUR": r"€|евро|euros?|eur",
    "GBP": r"£|gbp",
    "KZT": r"₸|тенге|kzt",
    "UAH": r"₴|uah",
    "BYN": r"byn",
    "GEL": r"₾|gel",
    "AMD": r"֏|amd",
    "TRY": r"₺|try",
    **{
        code: code.lower()
        for code in (
            *("AED", "AUD", "AZN", "CAD", "CHF", "CNY", "CZK", "DKK", "HUF", "ILS", "INR", "JPY"),
            *("KGS", "MDL", "NOK", "NZD", "PLN", "RON", "RSD", "SEK", "SGD", "TJS", "UZS", "ZAR"),
        )
    },
}
_SIGN = "|".join(CURRENCIES.values())
_NUMBER = r"-?[0-9][0-9.,'’]*"
_AMOUNT = re.compile(rf"(?:{_SIGN})?({_NUMBER})(?:{_SIGN})?", re.IGNORECASE)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:([,.'’])[0-9]{3}(?:\1[0-9]{3})*)?")
_FRACTION = re.compile(r"(?<=[0-9])[.,]([0-9]{1,2})")
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]")


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
