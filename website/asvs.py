"""Writes the table of OWASP's ASVS 5.0 and its counts into docs/security.md: `./dev asvs --write`.

`asvs.toml` has a row for each requirement of the levels 1 and 2: what it asks, in our words, and
whether it is `met`, does not `apply` or is `not` met, with the reason; `in` are the modules, tests
and documents where that is to be seen.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = Path(__file__).with_name("asvs.toml")
PAGE = ROOT / "docs" / "security.md"
PACKAGE = Path("src/hirewire")
COMMAND = "`./dev asvs --write`"
STATES = {"met": "met", "not": "**not**", "apply": "–"}
CHAPTERS = {
    1: "Encoding and sanitising",
    2: "Validation and business logic",
    3: "Pages in browsers",
    4: "APIs",
    5: "Files",
    6: "Authentication",
    7: "Sessions",
    8: "Authorisation",
    9: "Signed tokens",
    10: "OAuth and OpenID Connect",
    11: "Cryptography",
    12: "Connections",
    13: "Configuration",
    14: "Data",
    15: "Code and architecture",
    16: "Logs and errors",
    17: "WebRTC",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement, and what is so here."""

    number: str
    level: int
    asks: str
    state: str
    """A key of `STATES`."""
    why: str
    places: tuple[str, ...]

    @property
    def chapter(self) -> int:
        """The number of its chapter."""
        return int(self.number.partition(".")[0])


def requirements(path: Path = ROWS) -> list[Requirement]:
    """The rows of the file. Raises `ValueError` for a row with no state or with two."""
    found = []
    for number, row in tomllib.loads(path.read_text(encoding="utf-8")).items():
        states = [name for name in STATES if name in row]
        if len(states) != 1 or row.keys() - STATES.keys() - {"level", "asks", "in"}:
            raise ValueError(f"{number}: one of {', '.join(STATES)}, level, asks and in")
        [state] = states
        places = tuple(row.get("in", ()))
        found.append(
            Requirement(number, row["level"], row["asks"], state, row[state], places),
        )
    return found


def place(name: str, root: Path = ROOT) -> Path | None:
    """The file of a name, in the project or in the package; None if there is none."""
    return next((p for p in (root / name, root / PACKAGE / name) if p.is_file()), None)


def counts(rows: list[Requirement]) -> Iterator[str]:
    """The lines of the table of counts."""
    yield "| chapter | requirements | met | not met | does not apply |"
    yield "|---|---|---|---|---|"
    for number, name in CHAPTERS.items():
        yield _counted(f"{number} {name}", [row for row in rows if row.chapter == number])
    for level in (1, 2):
        yield _counted(f"**level {level}**", [row for row in rows if row.level == level])
    yield _counted("**all**", rows)


def _counted(name: str, rows: list[Requirement]) -> str:
    states = Counter(row.state for row in rows)
    return f"| {name} | {len(rows)} | " + " | ".join(str(states[s]) for s in STATES) + " |"


def table(rows: list[Requirement]) -> Iterator[str]:
    """The lines of the table of requirements, by chapter."""
    for number, name in CHAPTERS.items():
        yield from ("", f"### {number} {name}", "", "| | level | asked | here | why, and where |")
        yield "|---|---|---|---|---|"
        for row in rows:
            if row.chapter == number:
                where = " ".join(f"`{one}`" for one in row.places)
                cells = (row.number, str(row.level), row.asks, STATES[row.state])
                yield f"| {' | '.join(cells)} | {row.why}{f'; {where}' if where else ''} |"


def page(written: str) -> str:
    """The page with its generated parts in their places."""
    rows = requirements()
    parts: Mapping[str, Iterator[str]] = {"counts": counts(rows), "table": table(rows)}
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = written.partition(begin)
        written = before + "\n".join((begin, *lines, end)) + rest.partition(end)[2]
    return written


def main(arguments: list[str]) -> int:
    """Write the page, or check that it is up to date."""
    written = PAGE.read_text(encoding="utf-8")
    if arguments == ["--write"]:
        PAGE.write_text(page(written), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        if page(written) == written:
            return 0
        sys.stderr.write(f"{PAGE} is out of date: {COMMAND}\n")
        return 1
    sys.stderr.write("usage: ./dev asvs --write | --check\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
