"""Requirements for passwords."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hirewire.auth.passwords import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    _common,
    is_common,
    is_of_own_words,
    normalised_password,
)

EMAIL = "anna@example.org"


@given(st.text(max_size=250))
@example("INFINITY")
def test_a_password_is_normalized_or_refused_with_its_reason(text: str) -> None:
    composed = unicodedata.normalize(
        "NFC", re.sub("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ", text)
    )
    if not SHORTEST_PASSWORD <= len(composed) <= LONGEST_PASSWORD:
        with pytest.raises(ValueError, match="characters"):
            normalised_password(text, EMAIL)
    elif is_common(composed) or is_of_own_words(composed, EMAIL):
        with pytest.raises(ValueError, match="most common"):
            normalised_password(text, EMAIL)
    else:
        assert normalised_password(text, EMAIL) == composed


def test_characters_are_counted_not_bytes() -> None:
    assert normalised_password("пароль78", EMAIL) == "пароль78"
    assert normalised_password("🔑" * 8, EMAIL) == "🔑" * 8
    with pytest.raises(ValueError, match="at least 8 characters"):
        normalised_password("e\u0301" * 7, EMAIL)
    assert normalised_password("e\u0301" * 200, EMAIL) == "é" * 200
    with pytest.raises(ValueError, match="at most 200 characters"):
        normalised_password("a" * 201, EMAIL)


@pytest.mark.parametrize("password", [EMAIL, "Anna@EXAMPLE.org", f" {EMAIL} "])
def test_the_email_address_is_refused_as_a_password(password: str) -> None:
    with pytest.raises(ValueError, match="must not be the email address"):
        normalised_password(password, EMAIL)


@pytest.mark.parametrize("password", ["password1", "12345678", "QwertyUiop", "iloveyou"])
def test_common_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValueError, match="most common"):
        normalised_password(password, EMAIL)


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("Hirewire2026!", True),
        ("hirewirehirewire", True),
        ("вакансия-77", True),
        ("example.2026", True),
        ("anna@example", False),  # words of up to four letters are too many
        ("hirewire tulip", False),
        ("my employer is late", False),
    ],
)
def test_words_of_the_board_and_of_the_address_are_refused(password: str, refused: bool) -> None:
    """Alone or with digits and signs, but not in a longer phrase."""
    assert is_of_own_words(password, EMAIL) == refused
    if refused:
        with pytest.raises(ValueError, match="most common"):
            normalised_password(password, EMAIL)


def test_the_list_of_common_passwords_is_complete_and_used() -> None:
    assert len(_common()) == 10_000
    assert all(len(one) >= SHORTEST_PASSWORD and one == one.lower() for one in _common())
    assert not is_common("correct horse battery")


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u3000"])
def test_all_space_characters_are_equivalent(space: str) -> None:
    """RFC 8265: typing a no-break space or an ordinary one gives the same password."""
    assert normalised_password(f"correct{space}horse", EMAIL) == "correct horse"
