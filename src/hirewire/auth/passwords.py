"""Password requirements and normalisation, and the list of common passwords."""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
OWN_WORDS = (
    *("hirewire", "jobboard", "vacancy", "vacancies", "recruiter", "employer", "candidate"),
    *("резюме", "вакансия", "вакансии", "работодатель", "соискатель"),
)
"""What somebody who guesses passwords of a job board tries first, alone or with digits."""
LEAST_LETTERS = 4
_WORD = re.compile(r"[^\W\d_]+")
Password = Annotated[
    str,
    Field(
        max_length=1000,
        repr=False,
        json_schema_extra={"minLength": SHORTEST_PASSWORD, "maxLength": LONGEST_PASSWORD},
    ),
]
"""A new password in a request, before `normalised_password`."""


def prepared(password: str) -> str:
    """Normalise a password before it is hashed (RFC 8265, OpaqueString): spaces become U+0020, the
    rest NFC.

    Different keyboards may produce different code points for the same letter or space.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def normalised_password(password: str, email: str) -> str:
    """The password in the form that is hashed: see `prepared`.

    Raises `ValueError` when it is too short, too long, the e-mail address, a common password
    or made of the board's own words.
    """
    password = prepared(password)
    if len(password) < SHORTEST_PASSWORD:
        raise PydanticCustomError(
            "string_too_short",
            "at least {min_length} characters",
            {"min_length": SHORTEST_PASSWORD},
        )
    if len(password) > LONGEST_PASSWORD:
        raise PydanticCustomError(
            "string_too_long",
            "at most {max_length} characters",
            {"max_length": LONGEST_PASSWORD},
        )
    if password.strip().casefold() == email.casefold():
        raise PydanticCustomError("password_is_email", "must not be the email address")
    if is_common(password) or is_of_own_words(password, email):
        raise PydanticCustomError("password_too_common", "is one of the most common passwords")
    return password


def is_common(password: str) -> bool:
    """Whether the password is one of the most common ones, ignoring case."""
    return password.lower() in _common()


def is_of_own_words(password: str, email: str) -> bool:
    """Whether little more than digits is left of the password without `OWN_WORDS` and the parts of
    the address.
    """
    folded = left = password.casefold()
    own = (word for word in _WORD.findall(email.casefold()) if len(word) > LEAST_LETTERS)
    for word in sorted((*OWN_WORDS, *own), key=len, reverse=True):
        left = left.replace(word, "")
    return left != folded and sum(map(str.isalpha, left)) < LEAST_LETTERS


@cache
def _common() -> frozenset[str]:
    """The 10,000 most used passwords of at least 8 characters; see NOTICE for their source."""
    text = files("hirewire.auth").joinpath("data/passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}
