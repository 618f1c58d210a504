"""Dates, totals, completeness."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.profiles.dates import check_date, check_period
from hirewire.profiles.resumes.rules import completeness, total_months

TODAY = date(2026, 6, 15)
months = st.builds("{:04d}-{:02d}".format, st.integers(1990, 2026), st.integers(1, 12))
periods = st.lists(st.tuples(months, st.none() | months), max_size=8)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([("2020-01", "2020-12")], 12),
        ([("2020", "2020")], 12),
        ([("2020-01", "2020-06"), ("2020-04", "2020-12")], 12),
        ([("2020-01", "2020-03"), ("2020-07", "2020-09")], 6),
        ([("2026-01", None)], 6),
        ([(None, "2020-01")], 0),
        ([("2030-01", None)], 0),
        ([("2026-01", "2040-01")], 6),
    ],
)
def test_totals(spans: list[tuple[str | None, str | None]], expected: int) -> None:
    assert total_months(spans, TODAY) == expected


@given(periods, st.randoms())
def test_totals_do_not_depend_on_order_or_repetition(
    spans: list[tuple[str, str | None]], random: object
) -> None:
    shuffled = [*spans, *spans]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert total_months(shuffled, TODAY) == total_months(spans, TODAY)


@given(periods, st.tuples(months, st.none() | months))
def test_one_more_period_never_shortens(
    spans: list[tuple[str, str | None]], more: tuple[str, str | None]
) -> None:
    before, after = total_months(spans, TODAY), total_months([*spans, more], TODAY)
    assert before <= after <= before + total_months([more], TODAY)


@pytest.mark.parametrize("text", ["2020", "2020-02", "2020-02-29"])
def test_valid_dates(text: str) -> None:
    assert check_date(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "2020-2",
        "2020-00",
        "2019-02-29",
        "0000",
        "2020-02-30x",
        "0001",
        "1899-12",
        "2101",
        "٢٠٢٠",
        "2020\n",
    ],
)
def test_invalid_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|calendar"):
        check_date(text)


def test_periods_are_compared_as_far_as_they_are_known() -> None:
    check_period("2020-05", "2020")
    check_period("2020", None)
    with pytest.raises(ValueError, match="before start"):
        check_period("2020-05", "2020-04-30")


def test_completeness_counts_mandatory_twice() -> None:
    assert completeness({}).percent == 0
    assert completeness({"title": "x"}).percent == 100 * 2 // 12
    assert completeness({"title": "x", "skills": [1]}).missing_mandatory == ()
