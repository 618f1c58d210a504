"""What is typed into fields, as the services take it; what cannot be read stays as typed."""

from hirewire.kit.written import currency_in, is_open_end, partial_date, whole_amount


def amount(typed: str | None) -> int | str | None:
    """A whole number, in whatever way it is written; None where nothing is typed."""
    try:
        return whole_amount(typed, rounded=True) if typed else None
    except ValueError:
        return typed


def currency(chosen: str, *amounts: str | None) -> str:
    """The code of what is paid in: a sign beside an amount says more than the field beside it.

    Several countries have dollars: there the field decides.
    """
    code = chosen.strip().upper()
    signs = (currency_in(one) for one in amounts if one)
    sign = next((found for found in signs if found), None)
    return sign if sign and not (sign == "USD" and code.endswith("D")) else code


def date(typed: str | None) -> str | None:
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`; None where nothing is typed."""
    return partial_date(typed) if typed else None


def end(typed: str | None) -> str | None:
    """The date at which something ended; None for what still lasts."""
    return None if not typed or is_open_end(typed) else partial_date(typed)


def year(typed: str | None) -> int | str | None:
    """A year, perhaps with month and day; None where nothing is typed."""
    found = (date(typed) or "").split("-")[0]
    return int(found) if len(found) == 4 and found.isdecimal() else typed or None
