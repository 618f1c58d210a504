"""Salaries that fit the work, the seniority, the place and its currency."""

from random import Random
from typing import Literal

from hirewire.tools.sample_data.places import Place, currency_at

Grade = Literal["junior", "middle", "senior", "lead"]
GRADES: tuple[Grade, ...] = ("junior", "middle", "senior", "lead")
Pay = tuple[int, int, int, int]
"""Thousands of roubles per month in Moscow, by grade."""
# By kind of work in IT.
BASE: dict[str, Pay] = {
    "build": (90, 190, 320, 420),
    "data": (90, 180, 300, 400),
    "operate": (70, 130, 220, 300),
    "protect": (85, 170, 280, 380),
    "check": (65, 130, 220, 300),
    "analyse": (80, 165, 270, 360),
    "lead": (180, 250, 330, 430),
    "design": (70, 140, 230, 300),
    "support": (50, 75, 110, 140),
    "content": (50, 85, 130, 170),
    "stage": (50, 80, 120, 150),
}
ROUBLES = {"RUB": 1.0, "USD": 90.0, "EUR": 100.0, "GBP": 115.0, "GEL": 33.0, "AMD": 0.23}
ROUBLES |= {"RSD": 0.85}
STEP = {"RUB": 5000, "USD": 100, "EUR": 100, "GBP": 100, "GEL": 100, "AMD": 10_000, "RSD": 5000}
HOURLY_STEP = {"RUB": 10, "USD": 1, "EUR": 1, "GBP": 1, "GEL": 1, "AMD": 100, "RSD": 50}
IN_A_MONTH = {"HOUR": 168, "DAY": 21, "MONTH": 1, "YEAR": 1 / 12}
BY_YEAR = frozenset({"de", "gb", "nl"})


def monthly(pay: Pay, grade: Grade, place: Place) -> float:
    """The usual pay in roubles per month.

    Low wages differ less between Russian cities, and abroad they are not as low.
    """
    base = pay[GRADES.index(grade)] * 1000.0
    if place.country in BY_YEAR:
        return (180_000 + 1.2 * base) * place.pay / 1.8
    if place.country == "ru":
        return base * (place.pay + 0.4 * (1 - place.pay) * max(0.0, 1 - base / 250_000))
    return base * place.pay


def step_of(currency: str, unit: str) -> int:
    """The step of which round sums in this unit are multiples."""
    if unit in {"HOUR", "DAY"}:
        return HOURLY_STEP[currency] * (10 if unit == "DAY" else 1)
    return STEP[currency] * (10 if unit == "YEAR" else 1)


def amount(roubles: float, currency: str, unit: str) -> int:
    """A round sum in the local currency for an amount in roubles per month."""
    step = step_of(currency, unit)
    sum = roubles / ROUBLES[currency] / IN_A_MONTH[unit]
    return max(step, round(sum / step) * step)


def offered(
    rng: Random, pay: Pay, grade: Grade, place: Place, per: str | None = None
) -> dict[str, object]:
    """The salary of a vacancy: a range or one end of it. `per` is the trade's unit of pay."""
    currency = currency_at(place, rng)
    unit = "YEAR" if place.country in BY_YEAR else "MONTH"
    if per is not None and rng.random() < 0.35:
        unit = per
    usual = monthly(pay, grade, place) * rng.uniform(0.88, 1.15)
    low = amount(usual * 0.88, currency, unit)
    high = max(amount(usual * rng.uniform(1.08, 1.35), currency, unit), low)
    shape = rng.random()
    ends = {} if shape > 0.9 else {"min": low}
    if shape < 0.6 or shape > 0.9:
        ends["max"] = high
    gross = not (place.country == "ru" and rng.random() < 0.6)
    return ends | {"currency": currency, "unit": unit, "gross": gross}


def wished(rng: Random, pay: Pay, grade: Grade, place: Place) -> dict[str, object]:
    """The expected salary of a candidate."""
    currency = currency_at(place, rng)
    unit = "YEAR" if place.country in BY_YEAR else "MONTH"
    usual = monthly(pay, grade, place) * rng.uniform(0.85, 1.15)
    return {"amount": amount(usual, currency, unit), "currency": currency, "unit": unit}
