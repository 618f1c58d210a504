"""The texts of the mails: the same parts and values in each language."""

import re
from typing import get_args

import pytest

from hirewire.auth.mails.letters import Kind, letter, texts
from hirewire.kit.mail.letters import LANGUAGES

VALUES = dict.fromkeys(("address", "device", "key", "moment", "network", "who", "why"), "?")


def _places(lines: list[str]) -> list[str]:
    return re.findall(r"\{\w+\}", "\n".join(lines))


def test_each_kind_has_texts() -> None:
    assert set(texts()) == set(get_args(Kind))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_mail_says_the_same_in_each_language(kind: Kind) -> None:
    link = "https://hirewire.example/"
    for language in LANGUAGES:
        made = letter(kind, to="x@example.org", language=language, link=link, values=VALUES)
        assert all((made.subject, *made.lines, *made.after)), language
        assert (made.language, made.button) == (language, (texts()[kind][language]["button"], link))
    [first, *others] = [texts()[kind][language] for language in LANGUAGES]
    for other in others:
        assert _places(other["lines"]) == _places(first["lines"])
        assert [len(other[of]) for of in ("lines", "after")] == [
            len(first[of]) for of in ("lines", "after")
        ]
