"""Which skills are close to which."""

import numpy as np
import pytest

from hirewire.esco import Skill, dictionary, related
from hirewire.esco.meaning import Floats


def names(found: set[str]) -> set[str | None]:
    return {dictionary().label_of(id) for id in found}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PostgreSQL", "MySQL"),
        ("кирпичная кладка", "lay stones"),
        ("facials", "perform facial treatment"),
        ("Driving licence category CE", "Driving licence category C"),
        ("инъекции", "внутривенные вливания"),
        ("вождение в городе", "вождение"),
    ],
)
def test_what_people_call_close_is_close_both_ways(one: str, other: str) -> None:
    table = related.related()
    first, second = dictionary().id_of(one), dictionary().id_of(other)
    assert second in table[first]
    assert first in table[second]


def test_a_name_without_meaning_is_close_only_within_a_family() -> None:
    table = related.related()
    assert names(table[dictionary().id_of("RabbitMQ")]) == {"Apache Kafka"}
    assert dictionary().id_of("English") not in table
    java = names(table[dictionary().id_of("Java")])
    assert "Kotlin" in java
    assert "JavaScript" not in java
    for one, others in table.items():
        assert one not in others
        assert one in dictionary().skills
        assert all(one in table[other] for other in others)


def skill(id: str, label: str, *groups: str) -> Skill:
    return Skill(id, label, "", groups, None, ())


def test_pairs_are_near_in_meaning_and_nearer_if_they_share_no_group() -> None:
    whole = [skill("a", "wash cars", "S1"), skill("b", "clean cars", "S1"), skill("c", "sail")]
    whole += [skill("d", "wash vans", "S2"), skill("e", "Vans", "S1")]
    degrees = [0.0, 45.0, 90.0, 30.0, 1.0]
    vectors: Floats = np.array(
        [[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in degrees], np.float32
    )
    assert related.pairs_of(whole, vectors) == [(0, 1), (0, 3), (1, 3)]


def test_a_table_of_other_skills_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(related, "skills", lambda: (skill("a", "wash cars"),))
    with pytest.raises(ValueError, match="other skills"):
        related.related()
