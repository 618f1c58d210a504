"""Documents in columns: scalar values, and lists of different lengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.index.codes import Codes, Ints, Mask
from hirewire.vacancies.recommendations.index.packing import HEAD, LANGUAGE, SKILL, Packed


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of different lengths in one array: row n is from ``ends[n]`` to the next end."""

    ends: NDArray[np.int32] | Ints
    """One more than there are rows; begins with 0."""

    def positions(self, rows: Ints) -> tuple[Ints, Ints]:
        """The positions of the items of these rows, and the index in `rows` of each one's row."""
        starts = self.ends[rows]
        lengths = self.ends[rows + 1] - starts
        owner = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        return np.arange(len(owner)) - before[owner] + starts[owner], owner

    @classmethod
    def of(cls, lengths: Any) -> "Rows":
        """Rows of these lengths."""
        ends = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=ends[1:])
        return cls(ends.astype(np.int32) if ends[-1] < 2**31 else ends)

    @property
    def lengths(self) -> Any:
        """The length of each row."""
        return np.diff(self.ends)


def inverted(numbers: Any, owners: Any, count: int) -> tuple[Rows, NDArray[np.int32]]:
    """An inverted list: for each number from 0 to `count` - 1 its owners, ascending."""
    pairs = numbers.astype(np.int64)
    pairs <<= 32
    pairs |= owners
    pairs.sort()  # in place: this is the most frequent operation here
    return Rows.of(np.bincount(numbers, minlength=count)), pairs.astype(np.int32)


class Columns:
    """Some vacancies or resumes, with an array per attribute."""

    def __init__(
        self, of: dict[str, Any], lists: dict[str, tuple[dict[str, Any], Rows]], codes: Codes
    ) -> None:
        self.codes = codes
        """The codes that the numbers of the skills stand for."""
        self.of = of
        """Scalar attributes by name."""
        self.lists = lists
        """`skills`, `languages` and `words`: the attributes of each item by name, and the item's
        owner.
        """

    @classmethod
    def unpacked(cls, packed: Sequence[Packed], codes: Codes) -> "Columns":
        """Columns of these documents, in the order of their numbers."""
        numbers = np.array([one.number for one in packed], np.int64)
        order = np.argsort(numbers, kind="stable")
        parts = [packed[n] for n in order.tolist()]
        heads = (one.head.ljust(HEAD.itemsize, b"\0") for one in parts)
        head = np.frombuffer(b"".join(heads), HEAD)
        of = {name: np.ascontiguousarray(head[name]) for name in HEAD.names or ()}
        skill, skills = _joined(SKILL, [one.skills for one in parts])
        language, languages = _joined(LANGUAGE, [one.languages for one in parts])
        word, words = _joined(np.dtype("<i8"), [one.words for one in parts])
        number = codes.numbers(skill["code"])
        owner = np.repeat(np.arange(len(parts)), skills.lengths)
        of["number"] = numbers[order]
        weights = np.where(skill["place"] < 0, 0.0, codes.weights[number])
        of["weight"] = np.bincount(owner, weights, minlength=len(parts))
        by_name = {name: np.ascontiguousarray(skill[name]) for name in ("place", "level", "must")}
        return cls(
            of,
            {
                "skills": ({"number": number, **by_name}, skills),
                "languages": ({"language": language}, languages),
                "words": ({"word": word}, words),
            },
            codes,
        )

    def numbered_by(self, codes: Codes, alive: Mask | None = None) -> "Columns":
        """The same documents with other numbers; codes that only deleted ones have get none."""
        if codes is self.codes:
            return self
        skill, skills = self.lists["skills"]
        number = skill["number"]
        if alive is not None:
            number = number[np.repeat(alive, skills.lengths)]
        old = np.flatnonzero(np.bincount(number, minlength=len(self.codes)))
        new = np.zeros(len(self.codes), np.int32)
        new[old] = codes.numbers(np.array([self.codes.codes[n] for n in old.tolist()], np.int64))
        renumbered = {**skill, "number": new[skill["number"]]}
        return Columns(self.of, {**self.lists, "skills": (renumbered, skills)}, codes)

    @classmethod
    def joined(
        cls, parts: "Sequence[Columns]", codes: Codes, alive: Sequence[Mask] | None = None
    ) -> "Columns":
        """The live documents of these parts, in the order of their numbers.

        Without `alive` all documents are taken, and each array of the parts is released once it is
        copied, so that the data is not in memory twice.
        """
        parts = [
            one.numbered_by(codes, None if alive is None else alive[nth])
            for nth, one in enumerate(parts)
        ]
        names, lists = list(parts[0].of), {n: list(one[0]) for n, one in parts[0].lists.items()}
        rows = None if alive is None else [np.flatnonzero(one) for one in alive]

        def taken(held: list[dict[str, Any]], name: str, at: Sequence[Any] | None) -> Any:
            if at is None:
                return np.concatenate([one.pop(name) for one in held])
            return np.concatenate([one[name][n] for one, n in zip(held, at, strict=True)])

        heads = [one.of for one in parts]
        numbers = taken(heads, "number", rows)
        order = np.argsort(numbers, kind="stable")
        of = {"number": numbers[order]}
        of |= {name: taken(heads, name, rows)[order] for name in names if name != "number"}
        joined: dict[str, tuple[dict[str, Any], Rows]] = {}
        for name, items in lists.items():
            ends = [one.lists[name][1] for one in parts]
            held = [one.lists[name][0] for one in parts]
            at = None
            lengths = [one.lengths for one in ends]
            if rows is not None:
                at = [one.positions(n)[0] for one, n in zip(ends, rows, strict=True)]
                lengths = [one[n] for one, n in zip(lengths, rows, strict=True)]
            before = Rows.of(np.concatenate(lengths))
            places = before.positions(order)[0].astype(before.ends.dtype)
            ordered = {item: taken(held, item, at)[places] for item in items}
            joined[name] = ordered, Rows.of(before.lengths[order])
        return cls(of, joined, codes)


def _joined(dtype: Any, parts: Sequence[bytes]) -> tuple[Any, Rows]:
    sizes = np.fromiter((len(part) for part in parts), np.int64, len(parts))
    return np.frombuffer(b"".join(parts), dtype), Rows.of(sizes // dtype.itemsize)
