"""Scores in arrays are those of the pure function, to the last digit."""

from collections.abc import Sequence
from random import Random
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import numpy as np
import pytest

from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.index import scoring
from hirewire.vacancies.recommendations.index.codes import Codes
from hirewire.vacancies.recommendations.index.packing import pack_demand, pack_offer
from hirewire.vacancies.recommendations.index.prefilter import demands_for
from hirewire.vacancies.recommendations.index.scoring import fitting
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.inputs import (
    EXPERIENCE_PRESUMED,
    LANGUAGES_PRESUMED,
    SKILLS_PRESUMED,
    Demand,
    Offer,
)
from hirewire.vacancies.recommendations.rules import (
    Judgement,
    judge,
)
from tests.vacancies.recommendations.pairs import COMPANY, SKILLS, TITLES

CLOSE = ["MySQL", "Angular", "React", "Vue.js"]
QUALIFIED = ["Nurse", "Children's nurse", "Главная медсестра", "Trainee nurse", "Водитель кат. CE"]
TEXTS = [
    None,
    "<p>Requirements:</p><ul><li>PostgreSQL</li><li>React</li><li>3 years of experience</li></ul>",
    "<p>Требования:</p><ul><li>Python, SQL</li><li>английский B2</li><li>опыт от 1 года</li></ul>",
]
PAY = {"currency": "RUB", "unit": "MONTH"}


def asked(demands: Sequence[Demand]) -> Segment:
    packed = [
        pack_demand(one, id=UUID(int=nth), version=1, number=nth) for nth, one in enumerate(demands)
    ]
    return Segment.of(packed, Codes(), demands=True)


def offered(offers: Sequence[Offer]) -> Segment:
    packed = [
        pack_offer(one, id=UUID(int=nth), version=1, number=nth) for nth, one in enumerate(offers)
    ]
    return Segment.of(packed, Codes(), demands=False)


def agree(
    demands: Sequence[Demand], offers: Sequence[Offer], judged: Sequence[Sequence[Judgement]]
) -> None:
    """Each way."""
    segment, columns = asked(demands), list(zip(*judged, strict=True))
    for offer, column in zip(offers, columns, strict=True):
        assert list(fitting(segment, np.arange(len(demands)), offer)) == expected(column)
    segment = offered(offers)
    for demand, row in zip(demands, judged, strict=True):
        assert list(fitting(segment, np.arange(len(offers)), demand)) == expected(row)


def expected(judged: Sequence[Judgement]) -> list[tuple[int, float, float]]:
    return [(nth, one.score, one.strength) for nth, one in enumerate(judged) if one.fits]


def some(random: Random, count: int) -> tuple[list[Demand], list[Offer]]:
    """Vacancies and resumes with little to choose from, so that all that can differ does."""
    levels = ["A1", "B1", "B2", "C1", None]

    def shared() -> dict[str, Any]:
        names = random.sample([*SKILLS, *CLOSE], random.randint(0, 7))
        spoken = random.sample(["English", "German"], random.choice([0, 0, 1, 2]))
        return {
            "title": random.choice([*TITLES, *QUALIFIED, "Python developer", "Java developer", ""]),
            "area": random.choice(["Omsk", "Omsk", "Tbilisi", None]),
            "names": [(name, random.choice([None, None, 1, 3, 5])) for name in names],
            "languages": [{"language": one, "level": random.choice(levels)} for one in spoken],
            "pay": random.choice([None, 100, 120, 130, 150]),
        }

    rows, snapshots = [], []
    for _ in range(count):
        one, pay = shared(), {"currency": random.choice(["RUB", "RUB", "USD"]), "unit": "MONTH"}
        rows.append(
            one
            | {
                "requirements": [
                    {"skill": name, "level": level, "kind": random.choice(["must", "nice", "nice"])}
                    for name, level in one["names"]
                ],
                "experience": random.choice([None, "noExperience", "between1And3", "moreThan6"]),
                "work_format": random.choice([None, "on_site", "remote"]),
                "employment_type": random.choice([None, None, "FULL_TIME", "PART_TIME"]),
                "salary": one["pay"] and pay | {"max": one["pay"]},
                "company_id": COMPANY,
                "description": random.choice(TEXTS),
            }
        )
        one = shared()
        snapshots.append(
            one
            | {
                "skills": [{"name": name, "level": level} for name, level in one["names"]],
                "experienceMonths": random.choice([0, 6, 20, 80]),
                "relocation": random.random() < 0.5,
                "workFormats": random.choice([[], ["on_site"], ["on_site", "remote"]]),
                "employmentTypes": random.choice([[], ["FULL_TIME"]]),
                "salary": one["pay"] and pay | {"amount": one["pay"]},
                "hiddenFrom": random.choice([[], [], [], [COMPANY]]),
            }
        )
    return [demand_of(one) for one in rows], [offer_of(one) for one in snapshots]


@pytest.mark.parametrize("seed", [1, 2])
def test_arrays_and_the_pure_function_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    demands, offers = some(Random(seed), 150)
    judged = [[judge(demand, offer) for offer in offers] for demand in demands]
    assert sum(one.fits for row in judged for one in row) > 1000
    assert {one.presumed for one in demands} >= {0, SKILLS_PRESUMED | EXPERIENCE_PRESUMED}
    assert any(one.presumed & LANGUAGES_PRESUMED for one in demands)
    agree(demands, offers, judged)
    monkeypatch.setattr(scoring, "ROUNDING", 1.0)  # all are left to the pure function
    agree(demands[:30], offers, judged[:30])


def test_few_are_judged_without_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    demands, offers = some(Random(3), scoring.FEW + 1)
    judged = [[judge(demand, offer) for offer in offers] for demand in demands]
    sums = Mock(wraps=scoring._sums)
    monkeypatch.setattr(scoring, "_sums", sums)
    few = scoring.FEW
    agree(demands[:few], offers[:few], [row[:few] for row in judged[:few]])
    assert not sums.called
    agree(demands, offers, judged)
    assert sums.called


def test_what_is_rounded_up_to_the_threshold_is_found() -> None:
    """Pay moves the strength by less than a digit, across the threshold."""
    skills = [f"Skill of our own {nth}" for nth in range(5)]
    requirements = [{"skill": one, "kind": "nice"} for one in skills]
    row = {"title": "x", "requirements": requirements, "company_id": None}
    demand = demand_of(row | {"salary": {"max": 1_000_000} | PAY})
    found = set()
    for amount in range(1_195_000, 1_205_000, 20):
        snapshot = {"skills": [{"name": one} for one in skills[:2]]}
        offer = offer_of(snapshot | {"salary": {"amount": amount} | PAY})
        strength = judge(demand, offer).strength
        if abs(strength - 0.5) < 2e-4:
            segment = asked([demand])
            fits = fitting(segment, demands_for(segment, offer), offer)
            assert [one.strength for one in fits] == [strength] * (strength >= 0.5), amount
            found.add(strength)
    assert len(found) > 2, found


@pytest.mark.parametrize(
    ("value", "middle"),
    [(0.12345, True), (0.123_449_999_9, True), (0.1234, False), (0.12346, False), (0.5, False)],
)
def test_what_could_be_rounded_either_way_is_judged(
    value: float, middle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand = demand_of({"title": "x", "requirements": [], "company_id": None})
    judged = Mock(wraps=judge)
    sums = scoring.Sums(*np.array([[value], [0.9], [False], [False]]))
    sums = sums._replace(conflict=np.array([False]), unsure=np.array([False]))
    monkeypatch.setattr(scoring, "FEW", 0)
    monkeypatch.setattr(scoring, "_sums", lambda *_: sums)
    monkeypatch.setattr(scoring, "judge", judged)
    list(fitting(offered([offer_of({})]), np.array([0]), demand))
    assert judged.called == middle
