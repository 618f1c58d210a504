"""Amounts and dates as people write them."""

import pytest

from hirewire.written.amounts import currency_in, whole_amount
from hirewire.written.dates import partial_date


@pytest.mark.parametrize(
    ("typed", "amount", "currency"),
    [
        ("2800", 2800, None),
        ("2,800", 2800, None),
        ("2 800", 2800, None),
        ("2\u00a0800,50 ₽", 2801, "RUB"),
        ("£2,800", 2800, "GBP"),
        ("2.800", 2800, None),
        ("2.800,50 €", 2801, "EUR"),
        ("2’800", 2800, None),
        ("120 000 руб.", 120_000, "RUB"),
        ("$1,234,567.49", 1_234_567, "USD"),
    ],
)
def test_amounts(typed: str, amount: int, currency: str | None) -> None:
    assert (whole_amount(typed, rounded=True), currency_in(typed)) == (amount, currency)


@pytest.mark.parametrize("typed", ["", "much", "1,23,4", "2,800 to 3,000", "1e5", "12 apples"])
def test_invalid_amounts_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        whole_amount(typed, rounded=True)


def test_cents_are_refused_unless_rounding_is_allowed() -> None:
    assert whole_amount("100000,00") == 100_000
    with pytest.raises(ValueError, match="must be a whole number"):
        whole_amount("2 800,50")


@pytest.mark.parametrize(
    ("typed", "date"),
    [
        ("03/2019", "2019-03"),
        ("3.2019", "2019-03"),
        ("2019/3", "2019-03"),
        ("март 2019", "2019-03"),
        ("Сентябрь 2019 г.", "2019-09"),
        ("March 2019", "2019-03"),
        ("Sept. 2019", "2019-09"),
        ("31.12.2019", "2019-12-31"),
        ("12/31/2019", "2019-12-31"),
        ("2019", "2019"),
        ("2019-03-01", "2019-03-01"),
    ],
)
def test_dates(typed: str, date: str) -> None:
    assert partial_date(typed) == date


@pytest.mark.parametrize("typed", ["13/2019", "3/4/2019", "Foo 2019", "", "19", "2019-3-40"])
def test_text_that_is_no_date_is_unchanged(typed: str) -> None:
    assert partial_date(typed) == typed
