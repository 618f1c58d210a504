"""Forbidden words are not used."""

import pytest

from website.words import WordList, check


def test_no_forbidden_word_is_used() -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("    # The janitor runs at night.", "janitor"),
        ("def raise_fence() -> None:", "fence"),
        ('    """Not to be had twice."""', "to be had"),
        ("anew = True", "anew"),
        ("    heard = await consume(broker)", "heard"),
        ("# every listener's queue", "listener"),
        ("def told() -> None:", "told"),
        ("from bench import books", "books"),
        ("await self._settle(batch)", "settle"),
        ("suspects = await start_attempts(tx)", "suspects"),
        ("def test_the_spreader_acks() -> None:", "spreader"),
        ("wanted = demand.work_format", "wanted"),
        ("async def slice(size: int) -> None:", "slice"),
        ("    lost, doubled = count(effects)", "doubled"),
        ("# Chunks that are under way.", "under way"),
        ('    """Messages in hand."""', "in hand"),
        ("def test_it_is_no_hindrance() -> None:", "hindrance"),
        ("# Let go of the lock.", "Let go of"),
        ("# The message is handed on.", "handed on"),
        ("# The dearest size.", "dearest"),
        ("# Reasons are reckoned when they are read.", "reckoned"),
        ('    """The names and by-names of a place."""', "by-names"),
        ('"""The list of one\'s own."""', "one's own"),
        ("# The rows, upon which the index depends.", "upon"),
        ("# its likest occupation", "its likest"),
    ],
)
def test_planted_forbidden_words_are_found(line: str, word: str) -> None:
    [(number, found, instead)] = WordList.read().violations("src/hirewire/kit/db.py", f"\n{line}")
    assert (number, found, bool(instead)) == (2, word, True)


@pytest.mark.parametrize(
    "line",
    [
        "delete from messaging.fence where id = $1",
        '@router.post("/fences")',
        "defence",
        "await connection.add_listener(CHANNEL, wake)",
        "select event_id from messaging.inbox where heard_at < $1",
        "await standing_by()",
    ],
)
def test_wire_names_and_similar_words_are_allowed(line: str) -> None:
    assert list(WordList.read().violations("src/hirewire/kit/db.py", line)) == []
