"""What a password must be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.auth.accounts.rules import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    normalised_password,
)

EMAIL = "anna@example.org"


@given(st.text(max_size=250))
def test_any_text_is_kept_in_nfc_or_refused_for_its_length(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    if SHORTEST_PASSWORD <= len(composed) <= LONGEST_PASSWORD:
        assert normalised_password(text, EMAIL) == composed
    else:
        with pytest.raises(ValueError, match="characters"):
            normalised_password(text, EMAIL)


def test_characters_are_counted_not_bytes() -> None:
    assert normalised_password("пароль78", EMAIL) == "пароль78"
    assert normalised_password("🔑" * 8, EMAIL) == "🔑" * 8
    with pytest.raises(ValueError, match="at least 8 characters"):
        normalised_password("e\u0301" * 7, EMAIL)
    assert normalised_password("e\u0301" * 200, EMAIL) == "é" * 200
    with pytest.raises(ValueError, match="at most 200 characters"):
        normalised_password("a" * 201, EMAIL)


@pytest.mark.parametrize("password", [EMAIL, "Anna@EXAMPLE.org", f" {EMAIL} "])
def test_the_address_is_no_password(password: str) -> None:
    with pytest.raises(ValueError, match="must not be the e-mail address"):
        normalised_password(password, EMAIL)
