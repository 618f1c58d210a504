"""Words that do not come back."""

import pytest

from website.words import WordList, check


def test_no_word_has_come_back() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("    # The janitor runs at night.", "janitor"),
        ("def raise_fence() -> None:", "fence"),
        ('    """Not to be had twice."""', "to be had"),
        ("anew = True", "anew"),
    ],
)
def test_planted_words_are_found(line: str, word: str) -> None:
    [(number, found, instead)] = WordList.read().violations("src/hirewire/kit/db.py", f"\n{line}")
    assert (number, found, bool(instead)) == (2, word, True)


@pytest.mark.parametrize(
    "line", ["delete from messaging.fence where id = $1", '@router.post("/fences")', "defence"]
)
def test_names_on_the_wire_and_other_words_stay(line: str) -> None:
    assert list(WordList.read().violations("src/hirewire/kit/db.py", line)) == []
