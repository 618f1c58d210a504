"""Skills by the words and the initials of their names."""

import pytest

from hirewire.esco import dictionary
from hirewire.esco.words import Words


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(dictionary().skills.values())


def best(found: list[float]) -> tuple[str, float]:
    skill, share = max(
        zip(dictionary().skills.values(), found, strict=True), key=lambda one: one[1]
    )
    return skill.label, share


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("for ITIL-based environments", "apply operations for an ITIL-based environment"),
        ("ITIL v4", "apply operations for an ITIL-based environment"),
        ("circuits, a diagram of", "circuit diagrams"),
        ("контроль сварных швов", "perform welding inspection"),
    ],
)
def test_rare_words_count_whatever_their_order_and_endings(
    words: Words, phrase: str, label: str
) -> None:
    assert best(words.likeness(phrase).tolist())[0] == label


def test_the_likeness_is_the_share_of_what_both_have(words: Words) -> None:
    less = best(words.likeness("fluid mechanics unheardof").tolist())
    assert less[0] == "fluid mechanics"
    assert 0.5 < less[1] < 0.9
    _, share = best(words.likeness("fluid mechanics 2").tolist())
    assert share == 1, "a number takes nothing away"
    for empty in ("", "of the", "unheardof"):
        assert max(words.likeness(empty).tolist()) <= 0


def test_capitals_stand_for_words(words: Words) -> None:
    found = dict(zip(dictionary().skills, words.initials("NDT level 2").tolist(), strict=True))
    ndt = dictionary().find("non-destructive testing")
    assert ndt is not None
    assert found[ndt] == 1
    assert 0 < sum(share > 0 for share in found.values()) < 200
    for none in ("ndt", "N", "Notes"):
        assert max(words.initials(none).tolist()) <= 0
