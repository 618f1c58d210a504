"""Email addresses and password hashes."""

import asyncio
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from hirewire.auth import credentials
from hirewire.auth.credentials import email_key, hash_password, normalised_email, password_fits
from hirewire.launcher.platform import LIBRARIES


@given(st.text())
def test_any_text_is_an_address_or_a_plain_refusal(text: str) -> None:
    try:
        email = normalised_email(text)
    except ValueError:
        return
    assert len(email) <= 254
    assert normalised_email(email) == email


@given(st.text())
def test_the_key_of_an_address_is_stable(text: str) -> None:
    key = email_key(text)
    assert email_key(f" {text} ") == key
    assert "\x00" not in key or "\x00" in text


@given(st.emails())
def test_case_does_not_distinguish_accounts(email: str) -> None:
    assert email_key(email.upper()) == email_key(email.lower()) == email_key(email)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        (" anna@example.org ", "anna@example.org"),
        ("ЁЖ@пример.рф", "ёж@ПРИМЕР.рф"),
        ("anna@пример.рф", "anna@xn--e1afmkfd.xn--p1ai"),
        ("ё@example.org", "\u0435\u0308@example.org"),
        ("anna@STRASSE.example", "anna@strasse.example"),
        ("STRAẞE@example.org", "straße@example.org"),
    ],
)
def test_spellings_of_one_address(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße@example.org", "strasse@example.org"),
        ("anna@straße.example", "anna@strasse.example"),
        ("ﬁn@example.org", "fin@example.org"),
        ("ⅷ@example.org", "viii@example.org"),
        ("ς@example.org", "σ@example.org"),
    ],
)
def test_two_mailboxes_are_two_accounts(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


def test_the_key_has_the_domain_as_used_in_dns() -> None:
    assert email_key("Ёж@Пример.рф") == "ёж@xn--e1afmkfd.xn--p1ai"
    assert normalised_email("Ёж@Пример.рф") == "Ёж@пример.рф", "as it is sent to"


@pytest.mark.parametrize("email", ["anna@example.org", "anna@board.test", "a@b.example"])
def test_test_domains_pass(email: str) -> None:
    assert normalised_email(email) == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "anna",
        "anna@",
        "@example.org",
        "a b@example.org",
        f"{'a' * 255}@example.org",
        f"a@{'b' * 64}.org",
        f"a@{'.'.join(c * 50 for c in 'bcdef')}.org",
    ],
)
def test_invalid_addresses_are_refused(email: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        normalised_email(email)


async def test_a_password_verifies_against_its_own_hash_only() -> None:
    hashed = await hash_password("пароль-надёжный")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "пароль" not in hashed
    assert await password_fits("пароль-надёжный", hashed)
    assert not await password_fits("пароль-надежный", hashed)
    assert hashed != await hash_password("пароль-надёжный")


async def test_composed_and_decomposed_letters_are_equivalent() -> None:
    hashed = await hash_password("caf\u00e9-caf\u00e9")
    assert await password_fits("cafe\u0301-cafe\u0301", hashed)


async def test_space_characters_are_equivalent_in_existing_passwords_too() -> None:
    hashed = await hash_password("correct horse")
    assert await password_fits("correct\u00a0horse", hashed)
    before = await hash_password("correct\u00a0horse")  # as it was typed
    assert await password_fits("correct\u00a0horse", before)
    assert not await password_fits("correct horse", before)
    assert not await password_fits("wrong\u00a0horse", before)


async def test_the_hash_of_unknown_users_matches_no_password() -> None:
    assert not await password_fits("nobody has this password", None)


async def test_an_unknown_kind_of_hash_matches_no_password() -> None:
    assert not await password_fits("password", "$2b$12$" + "a" * 53)
    assert not await password_fits("password", "password")


async def test_a_hash_with_other_costs_is_verified() -> None:
    """The cost may be raised later; existing hashes are verified with their own cost."""
    costly = PasswordHash((Argon2Hasher(memory_cost=32 * 1024, time_cost=3, parallelism=1),))
    assert await password_fits("a good password", costly.hash("a good password"))


async def test_hashing_leaves_the_loop_free_and_is_bounded() -> None:
    """The event loop runs while twenty hashes are computed, by at most two threads."""
    turns = 0
    made = asyncio.gather(*(hash_password(f"password {n}") for n in range(20)))
    while not made.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(set(await made)) == 20
    assert turns > 20
    assert len(credentials._workers._threads) <= 2


HASHES = """
import asyncio, resource
from hirewire.auth.credentials import hash_password, keep_memory_of_hashes
from hirewire.kit.settings import Settings
async def faults():
    await asyncio.gather(*(hash_password("a long password") for _ in range(4)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        await hash_password("a long password")
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
keep_memory_of_hashes(Settings())
print(asyncio.run(faults()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="settings of glibc")
def test_the_memory_of_a_hash_is_used_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HASHES],
        env=os.environ | LIBRARIES,
        capture_output=True,
        text=True,
        check=True,
    )
    pages_of_a_hash = credentials.MEMORY_KIB // 4
    assert int(done.stdout) < pages_of_a_hash  # ten times as many if each went back
