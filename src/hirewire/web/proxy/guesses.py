"""Wrong tokens and keys by network: guessing is slowed, and costs `auth` little.

Nobody guesses 178 random bits; this keeps those who try from making work.
"""

from collections import OrderedDict
from math import ceil
from typing import Any

from hirewire.kit.networks import network

BURST = 30
"""Wrong ones that a network may send at once."""
PER_SECOND = 0.5
"""And then."""
MOST_NETWORKS = 10_000


class TooManyGuesses(Exception):
    """This network has sent too many wrong tokens or keys."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Guesses:
    """How many wrong ones each network may still send. In the memory of this process."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """The number at a moment."""

    def admit(self, scope: Any, moment: float) -> None:
        """Raise `TooManyGuesses` if the network of this request has none left.

        To be asked about what is not known to be right only: a network is never locked out.
        """
        left = self._now(_network(scope), moment)
        if left < 1:
            raise TooManyGuesses(ceil((1 - left) / PER_SECOND))

    def note(self, scope: Any, moment: float) -> None:
        """Count a wrong one."""
        name = _network(scope)
        self._left[name] = (max(self._now(name, moment) - 1, 0.0), moment)
        self._left.move_to_end(name)
        while len(self._left) > MOST_NETWORKS:
            self._left.popitem(last=False)

    def _now(self, name: str, moment: float) -> float:
        left, at = self._left.get(name, (float(BURST), moment))
        return min(left + (moment - at) * PER_SECOND, float(BURST))


def _network(scope: Any) -> str:
    client = scope.get("client")
    return network(client[0]) if client else ""
