"""Finds words that are the same but for a few typos, among very many.

A typo is a letter too many, too few, a wrong one, or two that are swapped. If two words differ by
`d` typos, deleting at most `d` letters of each can make them equal; so can deleting as many from
their beginnings. All such remainders of the stored words' beginnings are hashed and sorted; those
of the words to look up are searched there, and what is found is compared letter by letter.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BEGINNING = 7
"""Letters. Fewer take less memory, but find more words that are then compared in vain."""
SORTED_AT_ONCE = 4096
FEW = 64
"""New words, with which words that were looked up before are compared one by one."""
MOST_KNOWN = 30_000
_Codes = NDArray[np.uint32]
_Ints = NDArray[np.int64]
_Part: TypeAlias = tuple[_Ints, NDArray[np.int32]]
"""Sorted hashes of remainders, and the places of their words."""


class SimilarWords:
    """Words that others may be similar to, up to one number of typos."""

    def __init__(self, distance: int) -> None:
        self._distance = distance
        self._number: dict[str, int] = {}
        self._words: list[str] = []
        self._parts: list[_Part] = []
        """Each about half as large as the one before: few words are sorted again for a new one."""
        self._sorted = 0
        """The number of words that are in the parts."""
        self._known: dict[str, tuple[int, tuple[int, ...]]] = {}
        """Of words that were looked up: how many words were stored then, and the similar ones."""

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, word: str) -> bool:
        return word in self._number

    def add(self, word: str) -> None:
        """Store a word."""
        if word not in self._number:
            self._number[word] = len(self._words)
            self._words.append(word)
            if len(self._words) - self._sorted >= SORTED_AT_ONCE:
                self._sort_new()

    def near(self, words: Sequence[str]) -> set[str]:
        """The stored words that one of these is similar to."""
        count = len(self._words)
        if not count:
            return set()
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        unknown, behind, since = [], [], count
        for word in words:
            at, _ = self._known.get(word, (-1, ()))
            if at < max(0, count - FEW):
                unknown.append(word)
            elif at < count:
                behind.append(word)
                since = min(since, at)
        if unknown:
            self._look_up(unknown)
        if behind:
            self._compare(behind, since)
        return {self._words[n] for word in words for n in self._known[word][1]}

    def _look_up(self, words: Sequence[str]) -> None:
        """Find what these words are similar to."""
        self._sort_new()
        asked, owner = _hashed(words, self._distance)
        parts = [self._pairs(part, asked, owner) for part in self._parts]
        pairs = np.unique(np.concatenate(parts))
        ours, theirs = pairs // len(self._words), pairs % len(self._words)
        found = self._note(words, ours, theirs)
        for nth, word in enumerate(words):
            self._known[word] = len(self._words), tuple(found.get(nth, ()))

    def _compare(self, words: Sequence[str], since: int) -> None:
        """Find which of the last stored words these are similar to as well."""
        new = np.arange(since, len(self._words))
        ours, theirs = np.repeat(np.arange(len(words)), len(new)), np.tile(new, len(words))
        found = self._note(words, ours, theirs)
        for nth, word in enumerate(words):
            before = self._known[word][1]
            self._known[word] = len(self._words), (*before, *found.get(nth, ()))

    def _note(self, words: Sequence[str], ours: _Ints, theirs: _Ints) -> dict[int, list[int]]:
        """Those of these pairs that are similar: places of stored words, by those of the words."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))[ours]
        other = [self._words[n] for n in theirs.tolist()]
        stored = np.fromiter(map(len, other), np.int64, len(other))
        close = np.flatnonzero(np.abs(lengths - stored) <= self._distance)
        found: dict[int, list[int]] = {}
        if len(close):
            one = [words[n] for n in ours[close].tolist()]
            alike = within(one, [other[n] for n in close.tolist()], self._distance)
            for nth in close[alike].tolist():
                found.setdefault(int(ours[nth]), []).append(int(theirs[nth]))
        return found

    def _pairs(self, part: _Part, asked: _Ints, owner: _Ints) -> _Ints:
        """The pairs of an asked word and a stored one that have a remainder in common."""
        hashes, places = part
        low = np.searchsorted(hashes, asked, "left")
        counts = np.searchsorted(hashes, asked, "right") - low
        hit = np.flatnonzero(counts)
        counts, low = counts[hit], low[hit]
        # The runs of equal hashes, one after the other.
        ends = np.cumsum(counts)
        at = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        theirs = places[np.repeat(low, counts) + at].astype(np.int64)
        pairs: _Ints = np.repeat(owner[hit], counts) * len(self._words) + theirs
        return pairs

    def _sort_new(self) -> None:
        new = self._words[self._sorted :]
        if not new:
            return
        hashes, numbers = _hashed(new, self._distance)
        self._parts.append((hashes, (numbers + self._sorted).astype(np.int32)))
        self._sorted = len(self._words)
        while len(self._parts) > 1 and len(self._parts[-2][0]) < 2 * len(self._parts[-1][0]):
            last, before = self._parts.pop(), self._parts.pop()
            hashes = np.concatenate([before[0], last[0]])
            places = np.concatenate([before[1], last[1]])
            order = np.argsort(hashes, kind="stable")
            self._parts.append((hashes[order], places[order]))


def _hashed(words: Sequence[str], distance: int) -> tuple[_Ints, _Ints]:
    """The remainders of the words' beginnings in order, and the place of the word of each."""
    parts = [_remainders(word[:BEGINNING], distance) for word in words]
    hashes = np.concatenate(parts)
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(hashes)
    return hashes[order], owner[order]


@lru_cache(maxsize=2_000)
def _remainders(beginning: str, distance: int) -> _Ints:
    """The hashes of what is left of some letters when at most `distance` of them are deleted."""
    places = range(len(beginning))
    found = {beginning}
    for count in range(1, distance + 1):
        for gone in combinations(places, count):
            found.add("".join(letter for n, letter in enumerate(beginning) if n not in gone))
    return np.fromiter(map(hash, found), np.int64, len(found))


def any_within(word: str, others: Iterable[str], distance: int) -> bool:
    """Whether a word differs from one of these by at most so many typos."""
    alike = [one for one in others if abs(len(one) - len(word)) <= distance]
    return bool(alike) and bool(within([word] * len(alike), alike, distance).any())


def within(ones: Sequence[str], others: Sequence[str], distance: int) -> NDArray[np.bool_]:
    """Whether each pair of words differs by at most so many typos. Lengths differ by no more."""
    mine, theirs = _codes(ones, distance), _codes(others, distance)
    long = np.fromiter(map(len, ones), np.int64, len(ones))
    longer = np.fromiter(map(len, others), np.int64, len(others)) - long
    width, far = 2 * distance + 1, distance + 9
    count = len(ones)
    least = np.full(count, far, np.uint8)
    # A band of the table of distances: column `n` of row `i` is that of `i` letters of the one and
    # `i + n - distance` of the other.
    before = np.full((width, count), far, np.uint8)
    last = np.full((width, count), far, np.uint8)
    for n in range(distance, width):
        last[n] = n - distance
    least[long == 0] = np.abs(longer[long == 0])
    for i in range(1, int(long.max(initial=0)) + 1):
        row = np.full((width, count), far, np.uint8)
        for n in range(width):
            j = i + n - distance
            if j < 0:
                continue
            if j == 0:
                row[n] = min(i, far)
                continue
            best = last[n] + (mine[i - 1] != theirs[j - 1])
            if n + 1 < width:
                np.minimum(best, last[n + 1] + 1, out=best)
            if n:
                np.minimum(best, row[n - 1] + 1, out=best)
            if i > 1 and j > 1:
                swapped = (mine[i - 1] == theirs[j - 2]) & (mine[i - 2] == theirs[j - 1])
                np.minimum(best, before[n] + 1, out=best, where=swapped)
            np.minimum(best, far, out=row[n])  # more would overflow in time
        ended = np.flatnonzero(long == i)
        least[ended] = row[longer[ended] + distance, ended]
        before, last = last, row
    return least <= distance


def _codes(words: Sequence[str], more: int) -> _Codes:
    longest = max(map(len, words)) + 2 * more + 1
    codes = np.array(words, dtype=f"<U{longest}").view(np.uint32).reshape(len(words), longest)
    return np.ascontiguousarray(codes.T)
