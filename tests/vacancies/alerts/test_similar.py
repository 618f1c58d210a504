"""Words that are the same but for a few typos."""

from hypothesis import given
from hypothesis import strategies as st

from hirewire.vacancies.alerts.index.similar import SimilarWords, any_within

WORDS = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=12)


def distance(one: str, other: str) -> int:
    """The typos between two words, by the whole table."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, theirs in enumerate(other, start=1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


@given(WORDS, WORDS, st.sampled_from((1, 2)))
def test_all_similar_words_are_found_and_no_others(
    stored: list[str], asked: list[str], most: int
) -> None:
    words = SimilarWords(most)
    expected = {one for one in stored if any(distance(one, other) <= most for other in asked)}
    for one in stored:
        words.add(one)
        words.near(asked)
    assert words.near(asked) == expected
    for one in stored:
        assert any_within(one, asked, most) == (one in expected)
