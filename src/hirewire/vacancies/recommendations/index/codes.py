"""Dense numbers that stand for skill codes."""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.facts import close_to, weight_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Codes:
    """Dense numbers that stand for skill codes, shared by segments of one side."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._lock = Lock()
        self.codes: list[int] = []
        """Codes by their numbers."""
        self.close: list[tuple[int, ...]] = []
        """The skills that are close to each, by its number."""
        self.weights: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self.codes)

    def numbers(self, codes: Ints) -> NDArray[np.int32]:
        """The numbers of these codes; new codes get new numbers."""
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.empty(len(unique), np.int32)
        with self._lock:  # a thread merges segments
            for nth, code in enumerate(unique.tolist()):
                number = self._numbers.get(code)
                if number is None:
                    number = len(self.codes)
                    self.close.append(close_to(code))
                    self.codes.append(code)
                    self._numbers[code] = number
                numbers[nth] = number
            if new := [weight_of(code) for code in self.codes[len(self.weights) :]]:
                self.weights = np.concatenate((self.weights, new))
        return numbers[inverse]

    def number(self, code: int) -> int | None:
        """The number of a code; None if no segment has it."""
        return self._numbers.get(code)
