"""Numbers by the hashes of texts: 11 bytes for each, where a dictionary of texts takes 150."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_BYTES = 6
"""Of the 110,000 names of skills, two have one hash with a probability of 1 in 40,000."""
SEVERAL = -1


def hash_of(text: str, size: int = _BYTES) -> int:
    """The text's BLAKE2b hash of so many bytes, the same in every process."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=size).digest())


class Ranked(NamedTuple):
    """What was found for a hash."""

    number: int
    """`SEVERAL` if there are several of this rank."""
    rank: int


class Hashed:
    """For each hash the only number of the lowest rank."""

    def __init__(self, hashes: Ints, numbers: Ints, ranks: Ints) -> None:
        """`hashes` are sorted, each once; numbers fit 16 bits, ranks 8.

        Raises `ValueError` for more numbers than that.
        """
        if len(numbers) and numbers.max() > np.iinfo(np.int16).max:
            raise ValueError(f"number {numbers.max()} does not fit")
        self._hashes: array[int] = array("q", hashes.astype(np.int64).tobytes())
        self._numbers: array[int] = array("h", numbers.astype(np.int16).tobytes())
        self._ranks: array[int] = array("b", ranks.astype(np.int8).tobytes())

    @classmethod
    def of(cls, entries: Iterable[tuple[int, int, int]]) -> Self:
        """From any number of (hash, rank, number)."""
        columns = np.array(list(entries), np.int64).reshape(-1, 3)
        hashed, rank, number = columns[np.lexsort(columns.T[::-1])].T
        new = np.append(True, hashed[1:] != hashed[:-1])[: len(hashed)]
        first = np.flatnonzero(new)
        lowest = rank == rank[first][np.cumsum(new) - 1]
        highest = np.maximum.reduceat(np.where(lowest, number, -1), first)
        return cls(hashed[first], np.where(highest == number[first], highest, SEVERAL), rank[first])

    @classmethod
    def of_first(cls, entries: Iterable[tuple[int, int]]) -> Self:
        """From any number of (hash, number): the first of each hash counts. All are of rank 0."""
        columns = np.array(list(entries), np.int64).reshape(-1, 2)
        hashes, first = np.unique(columns[:, 0], return_index=True)
        return cls(hashes, columns[first, 1], np.zeros(len(hashes), np.int64))

    def find(self, hashed: int) -> Ranked | None:
        """None for an unknown hash."""
        at = bisect_left(self._hashes, hashed)
        if at == len(self._hashes) or self._hashes[at] != hashed:
            return None
        return Ranked(self._numbers[at], self._ranks[at])

    def columns(self) -> tuple[Ints, Ints, Ints]:
        """Hashes, numbers and ranks."""
        hashes, numbers, ranks = (
            np.array(one, np.int64) for one in (self._hashes, self._numbers, self._ranks)
        )
        return hashes, numbers, ranks
