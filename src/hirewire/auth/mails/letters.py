"""Builds the mails of `auth` in the reader's language."""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal, TypedDict, cast

from hirewire.auth.where import Where
from hirewire.kit.languages import moment_in_words
from hirewire.kit.mail.letters import LANGUAGES, Language, Letter

Kind = Literal[
    "password_reset",
    "password_changed",
    "email_verification",
    "new_sign_in",
    "sign_in_locked",
    "registration_tried",
]
UNKNOWN_DEVICE = {"en": "an unknown device", "ru": "неизвестное устройство"}
UNKNOWN_NETWORK = {"en": "unknown", "ru": "неизвестна"}


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
    where: Where | None = None,
    moment: datetime | None = None,
) -> Letter:
    """A mail whose button leads to `link`, and which may show a code.

    `where` and `moment` are those of the act that the mail is about.
    """
    chosen: Language = next((one for one in LANGUAGES if one == language), "en")
    said = texts()[kind][chosen]
    return Letter(
        to=to,
        language=chosen,
        subject=said["subject"],
        lines=[_filled(line, chosen, where, moment) for line in said["lines"]],
        code=code,
        button=(said["button"], link),
        after=said["after"],
    )


def _filled(line: str, language: Language, where: Where | None, moment: datetime | None) -> str:
    """The line with what it names. A device is text of the sender's: it is never read again."""
    values = {
        "device": (where and where.device) or UNKNOWN_DEVICE[language],
        "network": (where and where.network) or UNKNOWN_NETWORK[language],
        "moment": moment_in_words(moment, language) if moment else "",
    }
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], line)
