"""Reads a typed search query into a query of the cluster's.

Its clauses and weights are those of the embedded engine's `QueryParser`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hirewire.vacancies.search.index.cluster.mapping import Clause
from hirewire.vacancies.search.index.parser import IndexReader
from hirewire.vacancies.search.index.schema import IndexSchema

OTHERS = 0.1
"""How much of its score a match counts beside the best one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a query."""

    clause: Clause
    stems: frozenset[str] = frozenset()
    """The words that a document is found by, to highlight them."""


@dataclass
class Vocabulary:
    """Which words and places documents have, as far as it is known."""

    assumed: bool = False
    """The answer about what is not known."""
    used: dict[str, bool] = field(default_factory=dict)
    areas: dict[str, bool] = field(default_factory=dict)
    unknown_stems: set[str] = field(default_factory=set)
    """Words that were asked about and are not known."""
    unknown_areas: set[str] = field(default_factory=set)

    def is_used(self, stem: str) -> bool:
        """Whether a document has this word."""
        if stem not in self.used:
            self.unknown_stems.add(stem)
        return self.used.get(stem, self.assumed)

    def is_at(self, area: str) -> bool:
        """Whether a document is at this place."""
        if area not in self.areas:
            self.unknown_areas.add(area)
        return self.areas.get(area, self.assumed)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked is known."""
        return not self.unknown_stems and not self.unknown_areas


class ClusterReader(IndexReader[Part]):
    """Reads queries by a vocabulary: a query is right if the vocabulary is complete after it."""

    def __init__(self, fields: IndexSchema, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._texts = fields.texts
        self._vocabulary = vocabulary

    def together(self, parts: Sequence[Part], banned: Sequence[Part], pay: int | None) -> Part:
        """All parts, none of the banned ones, and at least this pay."""
        enough = [] if pay is None else [{"range": {"pay": {"gte": pay}}}]
        clause = {
            "bool": {
                "must": [part.clause for part in parts],
                "must_not": [part.clause for part in banned],
                "filter": enough,
            }
        }
        return Part(clause, _stems(parts))

    def all_of(self, queries: Sequence[Part]) -> Part:
        """All of several."""
        clause = {"bool": {"must": [query.clause for query in queries]}}
        return Part(clause, _stems(queries))

    def any_of(self, queries: Sequence[Part]) -> Part:
        """Any of these: the best counts fully, the others a little."""
        return Part(_best_of([query.clause for query in queries]), _stems(queries))

    def value(self, name: str, value: str) -> Part:
        """An exact value of a field."""
        return Part({"constant_score": {"filter": {"term": {name: value}}}})

    def word(self, stem: str) -> Part:
        """A word in any text field."""
        clauses = [
            {"term": {name: {"value": stem, "boost": weight}}}
            for name, weight in self._texts.items()
        ]
        return Part(_best_of(clauses), frozenset({stem}))

    def phrase(self, stems: Sequence[str]) -> Part:
        """Adjacent words in one text field."""
        clauses = [
            {"match_phrase": {name: {"query": " ".join(stems), "boost": weight}}}
            for name, weight in self._texts.items()
        ]
        return Part(_best_of(clauses), frozenset(stems))

    def one_of(self, name: str, values: Sequence[str]) -> Part:
        """Any of these exact values of a field."""
        return Part({"constant_score": {"filter": {"terms": {name: [*values]}}}})

    def near(self, stem: str, whole: str, distance: int) -> Part:
        """A stem, or a whole word, with so many typos."""
        texts = [_near(name, stem, distance, weight) for name, weight in self._texts.items()]
        ways = [_best_of(texts), _near("whole_words", whole, distance, 1.0)]
        return Part({"bool": {"should": ways, "minimum_should_match": 1}})

    def is_used(self, stem: str) -> bool:
        """Whether a document has this word, as the vocabulary says."""
        return self._vocabulary.is_used(stem)

    def is_at(self, area: str) -> bool:
        """Whether a document is at this place, as the vocabulary says."""
        return self._vocabulary.is_at(area)

    def are_used(self, stems: Sequence[str]) -> bool:
        """Whether documents have all of these words; it asks about each of them."""
        used = [self.is_used(stem) for stem in stems]
        return all(used)


def _stems(parts: Sequence[Part]) -> frozenset[str]:
    return frozenset().union(*(part.stems for part in parts))


def _best_of(clauses: Sequence[Clause]) -> Clause:
    return {"dis_max": {"queries": clauses, "tie_breaker": OTHERS}}


def _near(name: str, word: str, distance: int, weight: float) -> Clause:
    given = {"value": word, "fuzziness": distance, "rewrite": "constant_score", "boost": weight}
    return {"fuzzy": {name: given}}
