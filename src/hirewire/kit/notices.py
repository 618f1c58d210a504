"""The privacy notice that people agree to: its version, and its text in each language."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from hirewire.kit.mail.letters import LANGUAGES
from hirewire.kit.settings import Settings, SettingsError

LONGEST_VERSION = 32
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the text."""

    kind: Literal["heading", "text", "list"]
    lines: tuple[str, ...]
    """One, or the entries of a list."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A privacy notice."""

    version: str
    texts: Mapping[str, str]
    """The texts by language."""

    def blocks(self, language: str) -> list[Block]:
        """The text in a language, as headings, paragraphs and lists."""
        return list(_blocks(self.texts[language]))


@cache
def notice(path: Path | None) -> Notice:
    """The notice in a file, or our own. Raises `SettingsError`."""
    try:
        if path is None:
            source = files("hirewire.kit").joinpath("privacy.toml").read_text(encoding="utf-8")
        else:
            source = path.read_text(encoding="utf-8")
        return _notice(tomllib.loads(source))
    except (OSError, ValueError) as error:
        raise SettingsError(f"HIREWIRE_PRIVACY_NOTICE: {error}") from None


def check_notice(settings: Settings) -> None:
    """Raise `SettingsError` if the notice cannot be read. Called once, when a process starts."""
    notice(settings.privacy_notice)


def _notice(found: Mapping[str, Any]) -> Notice:
    version = found.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError("version must be 1 to 32 letters, digits, dots and hyphens")
    texts: dict[str, str] = {}
    for language in LANGUAGES:
        text = found.get(language, {}).get("text")
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the text in {language} is missing")
        texts[language] = text.strip()
    return Notice(version, texts)


def _blocks(text: str) -> Iterator[Block]:
    for part in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in part.splitlines()]
        for is_list, group in groupby(lines, key=lambda line: line.startswith("- ")):
            found = tuple(line.removeprefix("- ") for line in group)
            if is_list:
                yield Block("list", found)
            elif len(found) == 1 and found[0].startswith("## "):
                yield Block("heading", (found[0].removeprefix("## "),))
            else:
                yield Block("text", (" ".join(found),))
