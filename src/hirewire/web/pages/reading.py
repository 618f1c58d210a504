"""Parses form input for the services. Input that cannot be parsed is returned unchanged."""

from hirewire.written.amounts import currency_in, whole_amount
from hirewire.written.dates import is_open_end, partial_date


def amount(typed: str | None) -> int | str | None:
    """A whole number in any usual notation; None for an empty field."""
    try:
        return whole_amount(typed, rounded=True) if typed else None
    except ValueError:
        return typed


def currency(chosen: str, *amounts: str | None) -> str:
    """The currency code. A sign beside the amount takes precedence over the currency field.

    The dollar sign stands for several currencies, so the field decides there.
    """
    code = chosen.strip().upper()
    signs = (currency_in(one) for one in amounts if one)
    sign = next((found for found in signs if found), None)
    return sign if sign and not (sign == "USD" and code.endswith("D")) else code


def date(typed: str | None) -> str | None:
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`; None for an empty field."""
    return partial_date(typed) if typed else None


def end(typed: str | None) -> str | None:
    """The end date; None for an ongoing item."""
    return None if not typed or is_open_end(typed) else partial_date(typed)


def year(typed: str | None) -> int | str | None:
    """A year, optionally with month and day; None for an empty field."""
    found = (date(typed) or "").split("-")[0]
    return int(found) if len(found) == 4 and found.isdecimal() else typed or None
