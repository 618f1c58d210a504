"""What must be true after a scenario: every event once, in order, and a clean audit."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Written:
    """An event that was committed."""

    event_id: UUID
    place: str
    nth: int


@dataclass(frozen=True, slots=True)
class Effect:
    """A committed effect; they are listed in commit order."""

    event_id: UUID
    place: str
    nth: int
    late: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the comparison."""

    events: int
    lost: int
    duplicated: int
    reordered: int
    late: int
    """Events overtaken by a later one of their key, and marked as late when they were handled."""
    invented: int
    """Effects of events that were never committed."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.duplicated or self.reordered or self.invented)


def verdict(
    written: Sequence[Written],
    effects: Sequence[Effect],
    given_up: Iterable[UUID] = (),
    may_be_late: Iterable[UUID] = (),
) -> Verdict:
    """Compare what was committed with what took effect.

    `given_up` was discarded on purpose. `may_be_late` was reordered on purpose; lateness of
    anything else counts as reordering.
    """
    times = Counter(effect.event_id for effect in effects)
    expected = {event.event_id for event in written} - set(given_up)
    return Verdict(
        events=len(written),
        lost=len(expected - times.keys()),
        duplicated=sum(number - 1 for number in times.values()),
        reordered=_reordered(effects, set(may_be_late)),
        late=sum(effect.late for effect in effects),
        invented=len(times.keys() - {event.event_id for event in written}),
    )


def repeats(expected: Iterable[tuple[str, int]], effects: Iterable[Effect]) -> Verdict:
    """Judge events that were replayed to take effect again: each as often as requested."""
    asked = Counter(expected)
    given = Counter((effect.place, effect.nth) for effect in effects)
    return Verdict(
        events=asked.total(),
        lost=(asked - given).total(),
        duplicated=(given - asked).total(),
        reordered=0,
        late=0,
        invented=0,
    )


def _reordered(effects: Iterable[Effect], may_be_late: Set[UUID]) -> int:
    """Effects that came after a later one of their place, or are marked late without a reason."""
    newest: dict[str, int] = {}
    count = 0
    for effect in effects:
        if effect.late:
            count += effect.event_id not in may_be_late
        elif effect.nth <= newest.get(effect.place, 0):
            count += 1
        newest[effect.place] = max(effect.nth, newest.get(effect.place, 0))
    return count
