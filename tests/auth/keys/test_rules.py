"""The lifetimes of keys."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hirewire.auth.keys.rules import AHEAD, LAST_TOKENS, KeyLife, next_key
from hirewire.auth.signing import ACCESS_TOKEN_LIFE
from hirewire.kit.tokens import LEEWAY

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def made(newest: KeyLife | None, moment: datetime) -> KeyLife:
    """The key that is due now."""
    life = next_key(newest, moment)
    assert life is not None
    return life


def test_the_first_key_signs_at_once() -> None:
    life = made(None, START)
    assert (life.not_before, life.sign_from) == (START, START)


def test_the_next_one_is_published_a_day_ahead() -> None:
    first = made(None, START)
    assert next_key(first, START + 30 * DAY - timedelta(seconds=1)) is None
    second = made(first, START + 30 * DAY)
    assert (second.not_before, second.sign_from) == (START + 30 * DAY, START + 31 * DAY)
    assert next_key(second, START + 31 * DAY) is None
    assert made(second, START + 60 * DAY).sign_from == START + 61 * DAY


def test_after_a_long_downtime_the_next_key_signs_at_once() -> None:
    first = made(None, START)
    assert made(first, START + 200 * DAY).sign_from == START + 200 * DAY


def test_after_a_short_downtime_the_next_key_signs_when_the_first_ends() -> None:
    first = made(None, START)
    late = first.sign_until - timedelta(hours=3)
    assert made(first, late).sign_from == first.sign_until


@given(st.lists(st.timedeltas(timedelta(minutes=1), timedelta(days=40)), max_size=40))
def test_after_each_run_there_is_a_signing_key(pauses: list[timedelta]) -> None:
    """After each run some key can sign, and no token outlives its key. While the pauses are short
    enough, each key was published a day before its first use.
    """
    lives = [made(None, START)]
    moment = START
    for pause in pauses:
        moment += pause
        life = next_key(lives[-1], moment)
        lives += [life] if life else []
        signing = [key for key in lives if key.sign_from <= moment < key.sign_until]
        assert signing
        assert len(signing) <= 2
        assert all(key.not_after >= key.sign_until + ACCESS_TOKEN_LIFE + LEEWAY for key in lives)
    for earlier, later in pairwise(lives):
        ahead = later.sign_from - later.not_before
        if later.not_before + AHEAD <= earlier.sign_until:
            assert ahead == AHEAD


def test_a_key_outlives_its_last_token() -> None:
    assert LAST_TOKENS > ACCESS_TOKEN_LIFE + LEEWAY
