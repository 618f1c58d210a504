"""The mutants: small wrong changes, as text in `mutants/*.toml`, one file per source file.

A mutant replaces one piece of text, which must occur exactly once. If a refactoring changes that
text, the mutant becomes an error that names it, and the refactoring has to update it.
"""

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent / "mutants"
NOTICED = Path(__file__).parent / "noticed.json"
"""Which test noticed each mutant in the last recorded run; that test runs first."""


class DoesNotApply(Exception):
    """The mutant's old text does not occur exactly once, or the result is not valid Python."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small wrong change."""

    name: str
    """Stable and unique: ``relay-counts-a-nack-as-confirmed``."""
    file: str
    """The source file, relative to the project's folder."""
    old: str
    new: str
    why: str
    """What would go wrong, in one line."""
    tests: tuple[str, ...]
    """Test files and node ids, of which at least one must fail."""
    first: str | None = None
    """The node id of the test that noticed it last time."""
    likely: tuple[str, ...] = ()
    """Tests that noticed other mutants of the same file, most frequent first."""

    def in_order(self) -> list[Sequence[str]]:
        """Its tests in groups that run one after another: the most likely to notice it come first.

        They are separate runs, since pytest would merge a single test into the file that is listed
        after it.
        """
        groups = [[self.first] if self.first else [], self.likely, self.tests]
        return [group for group in groups if group]

    def applied_to(self, source: str) -> str:
        """The mutated source. Raises `DoesNotApply`."""
        count = source.count(self.old)
        if count != 1:
            raise DoesNotApply(f"{self.name}: its old text occurs {count} times in {self.file}")
        mutated = source.replace(self.old, self.new)
        if mutated == source:
            raise DoesNotApply(f"{self.name}: changes nothing")
        try:
            compile(mutated, self.file, "exec")
        except SyntaxError as error:
            raise DoesNotApply(f"{self.name}: {error}") from None
        return mutated


def load(folder: Path = FOLDER) -> list[Mutant]:
    """All mutants, in the order of the files. Raises `ValueError` for a bad list."""
    mutants: list[Mutant] = []
    for path in sorted(folder.glob("*.toml")):
        mutants += _read(path)
    names = [mutant.name for mutant in mutants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two mutants are named {', '.join(sorted(twice))}")
    return mutants


def _read(path: Path) -> list[Mutant]:
    content = tomllib.loads(path.read_text())
    file, tests, entries = content.pop("file"), content.pop("tests"), content.pop("mutant")
    if content:
        raise ValueError(f"{path.name}: unknown {', '.join(sorted(content))}")
    mutants = []
    for entry in entries:
        if entry.keys() != {"name", "why", "old", "new"}:
            raise ValueError(f"{path.name}: a mutant has name, why, old, new: {sorted(entry)}")
        mutants.append(Mutant(**entry, file=file, tests=tuple(tests)))
    return mutants


def with_first(mutants: Sequence[Mutant], path: Path = NOTICED) -> list[Mutant]:
    """The mutants, each with the test that noticed it last time, if that still belongs to it.

    A mutant that no test is known to notice starts with the tests that noticed others of its file.
    """
    known: Mapping[str, str] = json.loads(path.read_text()) if path.exists() else {}
    found = []
    for mutant in mutants:
        first = known.get(mutant.name)
        if first is not None and not any(first.startswith(test) for test in mutant.tests):
            first = None
        found.append(replace(mutant, first=first))
    often: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in found:
        if mutant.first is not None:
            often[mutant.file][mutant.first] += 1
    return [
        one
        if one.first is not None
        else replace(one, likely=tuple(test for test, _ in often[one.file].most_common()))
        for one in found
    ]


def write_first(
    noticed: Mapping[str, str], mutants: Sequence[Mutant], path: Path = NOTICED
) -> None:
    """Record which test noticed a mutant, and keep the records of the other `mutants`."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    names = {mutant.name for mutant in mutants}
    kept = {name: test for name, test in (known | dict(noticed)).items() if name in names}
    path.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n")


def chosen(mutants: Sequence[Mutant], names: Sequence[str]) -> list[Mutant]:
    """The mutants with these names, or of files whose path ends in one. Raises `ValueError`."""
    found: list[Mutant] = []
    for name in names:
        matching = [m for m in mutants if m.name == name or _is_file(m, name)]
        if not matching:
            raise ValueError(f"no mutant and no mutated file is named {name!r}")
        found += [mutant for mutant in matching if mutant not in found]
    return found


def _is_file(mutant: Mutant, name: str) -> bool:
    return mutant.file == name or mutant.file.endswith((f"/{name}", f"/{name}.py"))


def tenth(mutants: Sequence[Mutant], number: int) -> list[Mutant]:
    """Every tenth mutant, starting from `number` (0 to 9): ten such runs cover all."""
    return list(mutants[number % 10 :: 10])
