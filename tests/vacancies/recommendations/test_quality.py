"""The ranking quality of the scorer, on ICT occupations of ESCO.

Each occupation gives three vacancies and one resume; each has a share of its skills, and other
skills as noise. A vacancy is right for a resume of the same occupation. The similarity to
occupations is learnt from the same table, so this measures how well it is used, not how it
generalizes; for that, the scorer is also measured without the similarity.
"""

from random import Random

import numpy as np
import pytest

from hirewire.esco import dictionary, occupations
from hirewire.vacancies.recommendations import rules
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.rules import OCCUPATION

PER_OCCUPATION = 3
GAIN = 1 / np.log2(np.arange(2, 12))


def some(
    random: Random, own: list[str], others: list[str], share: float, noise: float
) -> list[str]:
    kept = random.sample(own, max(1, round(len(own) * share)))
    strange = sorted(set(others) - set(own))
    return kept + random.sample(strange, round(noise * len(kept)))


def measured(share: float, noise: float, *, seed: int, likeness: bool) -> tuple[float, float]:
    """Mean reciprocal rank and nDCG at 10."""
    random = Random(seed)
    known = dictionary().skills
    named = [[s for s in sorted(set(o.skills)) if s in known] for o in occupations()]
    everything = sorted({skill for skills in named for skill in skills})

    def labels(own: list[str]) -> list[str]:
        return [known[id].label for id in some(random, own, everything, share, noise)]

    demands = [
        (nth, demand_of({"requirements": [{"skill": s, "kind": "nice"} for s in labels(own)]} | NO))
        for nth, own in enumerate(named)
        for _ in range(PER_OCCUPATION)
    ]
    ranks, gains = [], []
    for nth, own in enumerate(named):
        offer = offer_of({"skills": [{"name": name} for name in labels(own)]})
        scores = []
        for _, demand in demands:
            part = 0.0 if likeness else OCCUPATION * rules.likeness(demand, offer)
            scores.append(rules.strength(demand, offer, 0) - part)
        order = np.argsort(-np.array(scores), kind="stable")
        right = np.array([demands[n][0] == nth for n in order])
        ranks.append(1 / (1 + int(np.argmax(right))))
        gains.append(float((right[:10] * GAIN).sum() / GAIN[:PER_OCCUPATION].sum()))
    return float(np.mean(ranks)), float(np.mean(gains))


NO = {"company_id": None, "title": None}


@pytest.mark.parametrize(
    ("share", "noise", "least"),
    [(0.5, 0.3, (0.955, 0.925)), (0.3, 0.5, (0.775, 0.640))],
)
def test_the_right_vacancies_come_first(
    share: float, noise: float, least: tuple[float, float]
) -> None:
    found = np.mean([measured(share, noise, seed=s, likeness=True) for s in (1, 2, 3)], axis=0)
    assert found[0] >= least[0]
    assert found[1] >= least[1]


def test_the_likeness_to_occupations_is_small_and_bounded() -> None:
    assert OCCUPATION <= 0.1
    assert (
        pytest.approx(1)
    ) == rules.SKILLS + OCCUPATION + rules.TITLE + rules.EXPERIENCE + rules.SALARY
