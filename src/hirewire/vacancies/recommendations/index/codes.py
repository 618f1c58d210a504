"""Small numbers in place of skills' codes."""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.facts import weight_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Codes:
    """Small numbers in place of skills' codes, the same in all segments of a process."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._lock = Lock()
        self.codes: list[int] = []
        """By number."""
        self.weights: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self.codes)

    def numbers(self, codes: Ints) -> NDArray[np.int32]:
        """The numbers of these codes; new codes get new ones."""
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.empty(len(unique), np.int32)
        with self._lock:  # segments are merged in a thread
            for nth, code in enumerate(unique.tolist()):
                number = self._numbers.get(code)
                if number is None:
                    number = len(self.codes)
                    self.codes.append(code)
                    self._numbers[code] = number
                numbers[nth] = number
            if new := [weight_of(code) for code in self.codes[len(self.weights) :]]:
                self.weights = np.concatenate((self.weights, new))
        return numbers[inverse]

    def number(self, code: int) -> int | None:
        """The number of a code; None when no segment has it."""
        return self._numbers.get(code)
