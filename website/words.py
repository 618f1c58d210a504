"""Finds forbidden words in code and documents: `python -m website.words`."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("words.toml")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Rule:
    """Forbidden words, what to write instead, and where they are allowed."""

    words: re.Pattern[str]
    write: str
    allowed: re.Pattern[str] | None
    not_in: tuple[str, ...]
    """Files in which they have another meaning."""
    first: frozenset[str]
    """How each of them begins: a text without any of these has none of them."""

    def found(self, line: str) -> str | None:
        """The first forbidden word in a line."""
        if self.allowed is not None:
            line = self.allowed.sub("", line)
        match = self.words.search(line)
        return match[0] if match else None


@dataclass(frozen=True)
class WordList:
    """All rules, and the files they apply to."""

    rules: tuple[Rule, ...]
    files: tuple[str, ...]
    not_in: tuple[str, ...]

    @classmethod
    def read(cls, path: Path = LIST) -> "WordList":
        """Read the rules from a TOML file."""
        given = tomllib.loads(path.read_text())
        rules = []
        for one in given["word"]:
            words = "|".join(re.escape(word) for word in one["words"])
            # `_` ends a word.
            pattern = rf"(?<![^\W_])(?:{words})(?![^\W_])"
            allowed = "|".join(f"(?:{text})" for text in one.get("allowed", ()))
            rules.append(
                Rule(
                    re.compile(pattern, re.IGNORECASE),
                    one["write"],
                    re.compile(allowed) if allowed else None,
                    tuple(one.get("not_in", ())),
                    frozenset(_WORD.findall(word)[0].lower() for word in one["words"]),
                )
            )
        return cls(tuple(rules), tuple(given["files"]), tuple(given["not_in"]))

    def covers(self, name: str) -> bool:
        """Whether the rules apply to a file."""
        return _matches(name, self.files) and not _matches(name, self.not_in)

    def violations(self, name: str, text: str) -> Iterator[tuple[int, str, str]]:
        """The violations in a file's text: line, word, and what to write instead."""
        used = {word.lower() for word in _WORD.findall(text)}
        rules = [
            rule
            for rule in self.rules
            if not rule.first.isdisjoint(used) and not _matches(name, rule.not_in)
        ]
        for number, line in enumerate(text.splitlines(), start=1):
            for rule in rules:
                if (word := rule.found(line)) is not None:
                    yield number, word, rule.write


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def tracked(root: Path) -> list[str]:
    """The files tracked by Git, and new ones that are not ignored."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.splitlines() if (root / name).is_file()]


def check(root: Path = ROOT) -> list[str]:
    """A line for each violation."""
    words = WordList.read()
    return [
        f"{name}:{number}: {word!r}: write {instead}"
        for name in tracked(root)
        if words.covers(name)
        for number, word, instead in words.violations(name, (root / name).read_text())
    ]


if __name__ == "__main__":
    found = check()
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
