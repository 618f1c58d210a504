"""Encryption of what must not stand readable in a database."""

from collections.abc import Iterator

import pytest

from hirewire.kit.secrets import (
    CannotOpen,
    NoSecretKey,
    is_current,
    marks,
    seal,
    unseal,
    use_keys,
)

OLD, NEW = "o" * 32, "n" * 32


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    use_keys(OLD)
    yield
    use_keys(None)


def test_a_sealed_text_is_opened_again_and_never_looks_the_same() -> None:
    sealed = [seal("секрет", "mail") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert [unseal(one, "mail") for one in sealed] == ["секрет", "секрет"]
    assert "секрет".encode() not in sealed[0]


def test_another_purpose_opens_nothing() -> None:
    with pytest.raises(CannotOpen):
        unseal(seal("text", "mail"), "signing key")


@pytest.mark.parametrize("place", [0, 3, 9, 20, -1])
def test_a_changed_byte_opens_nothing(place: int) -> None:
    sealed = bytearray(seal("text", "mail"))
    sealed[place] ^= 1
    with pytest.raises(CannotOpen):
        unseal(bytes(sealed), "mail")


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x01" * 20])
def test_a_text_that_is_cut_off_opens_nothing(cut: bytes) -> None:
    with pytest.raises(CannotOpen):
        unseal(cut, "mail")


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    before, mark = seal("text", "mail"), marks("123456", "code")
    use_keys(f"{NEW},{OLD}")
    assert unseal(before, "mail") == "text"
    assert not is_current(before)
    assert is_current(seal("text", "mail"))
    assert mark[0] == marks("123456", "code")[1]
    use_keys(NEW)
    with pytest.raises(CannotOpen):
        unseal(before, "mail")


def test_without_a_key_nothing_is_sealed() -> None:
    use_keys(None)
    with pytest.raises(NoSecretKey):
        seal("text", "mail")
    with pytest.raises(NoSecretKey):
        marks("123456", "code")
