"""How long a server takes for a batch: means by size, and how single batches differ from them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 250, 500)
FEWEST = 5
"""Batches of about one size that make a mean."""


@dataclass(frozen=True)
class Service:
    """The time of a batch of n messages: the mean of that size, times one of its ratios."""

    sizes: Floats
    """Ascending, in messages."""
    means: Floats
    """Seconds for each of the sizes; between them by straight lines."""
    ratios: Floats
    """For each of the sizes: as many measured times, divided by their mean."""

    def sample(self, sizes: Floats, random: np.random.Generator) -> Floats:
        """A time in seconds for each of these batches."""
        near = np.searchsorted(np.sqrt(self.sizes[1:] * self.sizes[:-1]), sizes)
        drawn = self.ratios[near, random.integers(self.ratios.shape[1], size=len(sizes))]
        found: Floats = np.interp(sizes, self.sizes, self.means) * drawn
        return found

    def capacity(self, most: int) -> float:
        """Messages per second in full batches of this size."""
        return most / float(np.interp(most, self.sizes, self.means))

    def scaled(self, factor: float) -> "Service":
        """The same, so many times as fast."""
        return Service(self.sizes, self.means / factor, self.ratios)

    def save(self, path: Path, source: str) -> None:
        """Write it as JSON, with where it was measured."""
        document = {
            "source": source,
            "sizes": [round(one, 1) for one in self.sizes.tolist()],
            "milliseconds": [round(1000 * one, 3) for one in self.means.tolist()],
            "ratios": [[round(one, 3) for one in of_size] for of_size in self.ratios.tolist()],
        }
        path.write_text(json.dumps(document) + "\n")


def load(path: Path) -> Service:
    """Read what `save` wrote."""
    found = json.loads(path.read_text())
    return Service(
        np.array(found["sizes"], dtype=float),
        np.array(found["milliseconds"], dtype=float) / 1000,
        np.array(found["ratios"], dtype=float),
    )


def measured(batches: Iterable[tuple[int, float]], *, quantiles: int = 50) -> Service:
    """From measured batches, as (messages, seconds). Raises `ValueError` if there are too few.

    The ratios are `quantiles` of those of each size, so that a service is a small file.
    """
    found = np.array(sorted(batches), dtype=float).reshape(-1, 2)
    sizes, means, ratios = list[float](), list[float](), list[Floats]()
    for chosen in _groups(found):
        mean = float(chosen[:, 1].mean())
        sizes.append(float(chosen[:, 0].mean()))
        means.append(mean)
        quantile = np.quantile(chosen[:, 1], (np.arange(quantiles) + 0.5) / quantiles)
        ratios.append(quantile / quantile.mean())
    if not sizes:
        raise ValueError("too few batches for a distribution")
    rising = np.maximum.accumulate(np.array(means))  # a larger batch is not faster but by chance
    return Service(np.array(sizes), rising, np.array(ratios))


def _groups(found: Floats) -> Sequence[Floats]:
    bounds = [0.5, *(1.5 * size for size in SIZES)]
    groups = [
        found[(found[:, 0] > low) & (found[:, 0] <= high)]
        for low, high in zip(bounds, bounds[1:], strict=False)
    ]
    return [group for group in groups if len(group) >= FEWEST]
