"""The text of a saved search as conditions for one vacancy.

It is read by the rules of the search itself (`TextReader`). What the search decides by the words of
all vacancies, a condition asks when it is tested: whether a word occurs at all, and whether any
vacancy is at a place.
"""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import NamedTuple, TypeAlias

from hirewire.places.gazetteer import Place
from hirewire.vacancies.alerts.index.facts import Facts
from hirewire.vacancies.search import rules
from hirewire.vacancies.search.index.parser import (
    TextReader,
    place_stems,
    switched_stems,
    whole_word,
)
from hirewire.vacancies.search.rules import Term

Key: TypeAlias = Hashable
"""Something a vacancy can have: a stem, a pair of field and value, a word that is near."""
Weight: TypeAlias = Callable[[Key], int]
"""How many saved searches wait for this key already."""


class Near(NamedTuple):
    """The key of a vacancy that has a word like this one."""

    word: str
    distance: int
    is_whole: bool


class Condition:
    """Something that is true of a vacancy or not."""

    __slots__ = ()

    @abstractmethod
    def holds(self, facts: Facts) -> bool:
        """Whether it is true of this vacancy."""

    @abstractmethod
    def keys(self, weight: Weight) -> set[Key]:
        """Keys one of which a vacancy must have for the condition to be true, few if possible."""


class Word(Condition):
    """A word in any text field."""

    __slots__ = ("stem",)

    def __init__(self, stem: str) -> None:
        self.stem = intern(stem)

    def holds(self, facts: Facts) -> bool:
        """Whether the vacancy has the word."""
        return self.stem in facts.positions

    def keys(self, weight: Weight) -> set[Key]:
        """The word."""
        return {self.stem}


class Phrase(Condition):
    """Adjacent words in one text field."""

    __slots__ = ("stems",)

    def __init__(self, stems: Iterable[str]) -> None:
        self.stems = tuple(map(intern, stems))

    def holds(self, facts: Facts) -> bool:
        """Whether the vacancy has the phrase."""
        return facts.has_phrase(self.stems)

    def keys(self, weight: Weight) -> set[Key]:
        """One of its words."""
        return {min(self.stems, key=weight)}


class Having(Condition):
    """An exact value of a field."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, intern(value)

    def holds(self, facts: Facts) -> bool:
        """Whether the vacancy has the value."""
        return facts.has(self.name, self.value)

    def keys(self, weight: Weight) -> set[Key]:
        """The value."""
        return {(self.name, self.value)}


class Unknown(Condition):
    """A word that no dictionary knows. If no vacancy has it, it is read as it may be meant."""

    __slots__ = ("distance", "stem", "typed")

    def __init__(self, typed: str, stem: str) -> None:
        self.typed, self.stem = typed, intern(stem)
        self.distance = rules.tolerance(stem)

    def holds(self, facts: Facts) -> bool:
        """Whether the vacancy has the word, or what it is read as."""
        if self.stem in facts.positions:
            return True
        if facts.board.is_used(self.stem):
            return False
        switched = switched_stems(self.typed)
        if switched and facts.has_phrase(switched):
            return True
        # What is slow to decide comes last.
        if not self.distance:
            return False
        if not facts.is_near(self.stem, whole_word(self.typed), self.distance):
            return False
        return not switched or not all(map(facts.is_used, switched))

    def keys(self, weight: Weight) -> set[Key]:
        """The word, one of those in the other keyboard layout, and words like it."""
        found: set[Key] = {self.stem}
        if switched := switched_stems(self.typed):
            found.add(min(switched, key=weight))
        if self.distance:
            found.add(Near(self.stem, self.distance, False))
            found.add(Near(whole_word(self.typed), self.distance, True))
        return found


class Every(Condition):
    """All of several."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Condition]) -> None:
        # What is quickly decided comes first.
        self.parts = tuple(sorted(parts, key=lambda one: isinstance(one, Unknown)))

    def holds(self, facts: Facts) -> bool:
        """Whether all are true."""
        return all(part.holds(facts) for part in self.parts)

    def keys(self, weight: Weight) -> set[Key]:
        """Those of the rarest part."""
        return rarest((part.keys(weight) for part in self.parts), weight)


class Either(Condition):
    """Any of several."""

    __slots__ = ("ways",)

    def __init__(self, ways: Sequence[Condition]) -> None:
        self.ways = tuple(ways)

    def holds(self, facts: Facts) -> bool:
        """Whether any is true."""
        return any(way.holds(facts) for way in self.ways)

    def keys(self, weight: Weight) -> set[Key]:
        """Those of all."""
        return set().union(*(way.keys(weight) for way in self.ways))


class Whole(Condition):
    """A whole text: all parts, none of the banned ones, and at least a pay."""

    __slots__ = ("banned", "parts", "pay")

    def __init__(
        self, parts: Sequence[Condition], banned: Sequence[Condition], pay: int | None
    ) -> None:
        self.parts, self.banned = Every(parts), tuple(banned)
        self.pay = pay

    def holds(self, facts: Facts) -> bool:
        """Whether the vacancy is found."""
        if self.pay is not None and not facts.pays(self.pay):
            return False
        return self.parts.holds(facts) and not any(one.holds(facts) for one in self.banned)

    def keys(self, weight: Weight) -> set[Key]:
        """Those of the parts."""
        return self.parts.keys(weight)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A text, read while no vacancy is at some places."""

    condition: Condition | None
    """None if any vacancy is found."""
    places: tuple[Place, ...]
    """The places that were taken to have vacancies; without, the text may mean something else."""


class ConditionReader(TextReader[Condition]):
    """Reads a text into conditions, as if no vacancy were at the `absent` places."""

    def __init__(self, absent: frozenset[str] = frozenset()) -> None:
        self._absent = absent
        self._places: dict[Place, None] = {}
        self.terms: Sequence[Term] = ()

    def compiled(self, text: str) -> Compiled:
        """The condition for this text."""
        self._places.clear()
        condition = self.read(text)
        return Compiled(condition, self.places)

    @property
    def places(self) -> tuple[Place, ...]:
        """The places that were taken to have vacancies."""
        return tuple(self._places)

    def parts(self, terms: Sequence[Term], step: int) -> list[Condition]:
        """A condition for each term, or for each run of terms that names one skill."""
        self.terms = terms
        return super().parts(terms, step)

    def synonyms(self, words: Sequence[str], step: int = 0) -> list[Condition]:
        """Conditions for what these words can mean. Read once for all texts that have them."""
        if self._absent:
            return super().synonyms(words, step)
        conditions, places = _meant_by(tuple(words))
        self._places.update(dict.fromkeys(places))
        return [*conditions]

    def together(
        self, parts: Sequence[Condition], banned: Sequence[Condition], pay: int | None
    ) -> Condition:
        """All parts, none of the banned ones, and at least this pay."""
        return Whole(parts, banned, pay)

    def all_of(self, queries: Sequence[Condition]) -> Condition:
        """All of several."""
        return Every(queries)

    def any_of(self, queries: Sequence[Condition]) -> Condition:
        """Any of these."""
        return Either(queries)

    def value(self, name: str, value: str) -> Condition:
        """An exact value of a field."""
        return Having(name, value)

    def word(self, stem: str) -> Condition:
        """A word in any text field."""
        return Word(stem)

    def phrase(self, stems: Sequence[str]) -> Condition:
        """Adjacent words in one text field."""
        return Phrase(stems)

    def at(self, place: Place) -> list[Condition]:
        """Conditions for a vacancy at a place or with its name; none if it is absent."""
        if place.key in self._absent:
            return []
        self._places[place] = None
        names = (self.in_texts(stems) for stems in place_stems(place))
        return [Having("area", place.key), *(one for one in names if one is not None)]

    def unknown(self, typed: str, stem: str) -> Condition:
        """A word that no dictionary knows."""
        return _unknown(typed, stem)


_unknown = lru_cache(maxsize=20_000)(Unknown)


@lru_cache(maxsize=20_000)
def _meant_by(words: tuple[str, ...]) -> tuple[tuple[Condition, ...], tuple[Place, ...]]:
    """What these words can mean, and at which places, if there are vacancies at all of them."""
    reader = ConditionReader()
    conditions = TextReader.synonyms(reader, words)
    return tuple(conditions), tuple(reader.places)


def compiled(text: str, absent: frozenset[str] = frozenset()) -> Compiled:
    """The condition for a text."""
    return ConditionReader(absent).compiled(text)


def compiled_with_keys(text: str, weight: Weight) -> tuple[Compiled, set[Key] | None]:
    """The condition for a text, and keys one of which every vacancy has that the text finds; None
    if there are no such keys.

    Whatever places have no vacancies, each word is in exactly one part of the condition, and the
    part is true only by the word itself or by a name that the word is in.
    """
    reader = ConditionReader()
    found = reader.compiled(text)
    return found, _keys_of(reader, weight)


def _keys_of(reader: ConditionReader, weight: Weight) -> set[Key] | None:
    """The keys of the text that was read last."""
    terms = reader.terms
    sets = []
    names = {
        span: reader.synonyms([term.text for term in terms[span[0] : span[1]]])
        for span in rules.spans(len(terms))
        if not any(term.phrase for term in terms[span[0] : span[1]])
    }
    for place, term in enumerate(terms):
        itself = reader.term(term, known=False)
        if itself is None:
            continue
        ways = [itself]
        for (start, end), synonyms in names.items():
            if start <= place < end:
                ways += synonyms
        sets.append(Either(ways).keys(weight))
    return rarest(sets, weight) if sets else None


def rarest(sets: Iterable[set[Key]], weight: Weight) -> set[Key]:
    """The set that the fewest wait for."""
    return min(sets, key=lambda keys: sum(map(weight, keys)) + len(keys))
