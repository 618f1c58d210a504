"""Builds the mails of `auth` in the reader's language."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal, TypedDict, cast

from hirewire.auth.acts import Act
from hirewire.auth.where import Where
from hirewire.kit.languages import moment_in_words
from hirewire.kit.mail.letters import LANGUAGES, Language, Letter

Kind = Literal[
    Act,
    "password_reset",
    "password_set_by_link",
    "email_verification",
    "data_export",
    "retention_resumes",
    "retention_applications",
    "vacancy_taken_down",
    "vacancy_upheld",
    "vacancy_restored",
    "company_taken_down",
    "company_upheld",
    "company_restored",
    "password_help",
    "new_sign_in",
    "email_change",
    "account_made",
    "account_blocked",
    "account_unblocked",
    "account_erased",
    "api_key_expiring",
]
UNKNOWN_DEVICE = {"en": "an unknown device", "ru": "неизвестное устройство"}
UNKNOWN_NETWORK = {"en": "unknown", "ru": "неизвестна"}
_PLACE = re.compile(r"\{(\w+)\}")


class Texts(TypedDict):
    """The texts of a mail in one language."""

    subject: str
    lines: list[str]
    button: str
    after: list[str]


@cache
def texts() -> Mapping[str, Mapping[str, Texts]]:
    """The texts by kind and language."""
    source = files("hirewire.auth.mails").joinpath("texts.toml").read_text(encoding="utf-8")
    return cast(Mapping[str, Mapping[str, Texts]], tomllib.loads(source))


def letter(
    kind: Kind,
    *,
    to: str,
    language: str | None,
    link: str,
    code: str | None = None,
    values: Mapping[str, str] | None = None,
) -> Letter:
    """A mail whose button leads to `link`, and which may show a code.

    `values` stand in the text where it has their names in braces.
    """
    chosen = language_among(language)
    said = texts()[kind][chosen]

    def filled(lines: Sequence[str]) -> list[str]:
        return [_PLACE.sub(lambda found: (values or {})[found[1]], line) for line in lines]

    return Letter(
        to=to,
        language=chosen,
        subject=said["subject"],
        lines=filled(said["lines"]),
        code=code,
        button=(said["button"], link),
        after=filled(said["after"]),
    )


def of_act(where: Where, language: str | None, moment: datetime) -> Mapping[str, str]:
    """What a mail about an act may name: `{device}`, `{network}` and `{moment}`."""
    chosen = language_among(language)
    return {
        "device": where.device or UNKNOWN_DEVICE[chosen],
        "network": where.network or UNKNOWN_NETWORK[chosen],
        "moment": moment_in_words(moment, chosen),
    }


def language_among(language: str | None) -> Language:
    """The language of a mail."""
    return next((one for one in LANGUAGES if one == language), "en")
