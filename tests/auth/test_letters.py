"""The texts of the mails, all kinds in both languages."""

import re
from typing import get_args

import pytest

from hirewire.auth.mails.letters import Kind, Texts, letter, texts
from hirewire.kit.mail.letters import LANGUAGES, Language

VALUES = {"device": "Firefox, Linux", "network": "192.0.2", "moment": "now", "why": "Spam."} | {
    "address": "new@example.org"
}
PLACE = re.compile(r"\{\w+\}")


def kinds_of(hint: object) -> set[str]:
    """The names in a `Literal`, those within it too."""
    return {name for one in get_args(hint) for name in (get_args(one) or [one])}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", texts())
def test_every_mail_can_be_written(kind: Kind, language: Language) -> None:
    said = texts()[kind][language]
    assert set(said) == set(Texts.__annotations__)
    made = letter(kind, to="a@example.org", language=language, link="/account", values=VALUES)
    shown = [made.subject, *made.lines, *made.after]
    assert all(shown)
    assert not PLACE.search(" ".join(shown))
    other = texts()[kind]["en"]
    assert PLACE.findall(" ".join(said["lines"])) == PLACE.findall(" ".join(other["lines"]))


def test_each_kind_is_known() -> None:
    assert set(texts()) <= kinds_of(Kind)
