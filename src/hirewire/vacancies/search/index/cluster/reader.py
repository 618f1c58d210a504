"""Reads a typed search query into a query of the cluster's.

Its clauses and weights are those of the embedded engine's `QueryParser`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hirewire.places.gazetteer import Place
from hirewire.vacancies.search import rules
from hirewire.vacancies.search.index.cluster.mapping import Clause
from hirewire.vacancies.search.index.parser import (
    ParsedQuery,
    TextReader,
    place_stems,
    switched_stems,
    whole_word,
)
from hirewire.vacancies.search.index.schema import IndexSchema
from hirewire.vacancies.search.index.widening import NOTHING, RELATED, related_to

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

    used: dict[str, bool] = field(default_factory=dict)
    areas: dict[str, bool] = field(default_factory=dict)
    unknown_stems: set[str] = field(default_factory=set)
    """Words that were asked about and are not known."""
    unknown_areas: set[str] = field(default_factory=set)

    def is_used(self, stem: str) -> bool:
        """Whether a document has this word; False if that is not known."""
        if stem not in self.used:
            self.unknown_stems.add(stem)
        return self.used.get(stem, False)

    def is_at(self, area: str) -> bool:
        """Whether a document is at this place; False if that is not known."""
        if area not in self.areas:
            self.unknown_areas.add(area)
        return self.areas.get(area, False)

    def are_used(self, stems: Sequence[str]) -> bool:
        """Whether all of these words are used."""
        used = [self.is_used(stem) for stem in stems]  # asks about each of them
        return all(used)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked is known."""
        return not self.unknown_stems and not self.unknown_areas


class ClusterReader(TextReader[Part]):
    """Reads queries by a vocabulary: a query is right if the vocabulary is complete after it."""

    def __init__(self, fields: IndexSchema, vocabulary: Vocabulary) -> None:
        self._texts = fields.texts
        self._vocabulary = vocabulary
        self._parsed: ParsedQuery[Part] = ParsedQuery(None)

    def parse(self, text: str, step: int = 0) -> ParsedQuery[Part]:
        """The query for this text; in a step of widening, also for related titles and skills."""
        self._parsed = ParsedQuery(None)
        self._parsed.query = self.read(text, step)
        return self._parsed

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

    def related(self, words: Sequence[str], step: int) -> list[Part]:
        """Queries for what is related to these words; none if the query is not widened."""
        related = related_to(" ".join(words)) if step else NOTHING
        self._parsed.related |= related
        values = {"occupation": related.occupation_values(step)}
        if step == RELATED:
            values["skill"] = sorted(related.skills)
        return [
            Part({"constant_score": {"filter": {"terms": {name: ones}}}})
            for name, ones in values.items()
            if ones
        ]

    def at(self, place: Place) -> list[Part]:
        """Queries for documents at a place or with its name; none if no document matches."""
        ways = [self.value("area", place.key)] if self._vocabulary.is_at(place.key) else []
        for stems in place_stems(place):
            if self._vocabulary.are_used(stems):
                query = self.in_texts(stems)
                ways += [] if query is None else [query]
        return ways

    def unknown(self, typed: str, stem: str) -> Part:
        """The word; if no document has it, in the other keyboard layout, or with typos."""
        if self._vocabulary.is_used(stem):
            return self.word(stem)
        switched = switched_stems(typed)
        if switched and self._vocabulary.are_used(switched):
            self._parsed.corrected[typed] = rules.other_layout(typed)
            query = self.in_texts(switched)
            assert query is not None
            return query
        if (distance := rules.tolerance(stem)) == 0:
            return self.word(stem)
        self._parsed.tolerated.append(typed)
        # A typo can prevent the stemming of a word, so whole words are compared as well.
        near = _best_of(
            [_near(name, stem, distance, weight) for name, weight in self._texts.items()]
        )
        whole = _near("whole_words", whole_word(typed), distance, 1.0)
        return Part({"bool": {"should": [near, whole], "minimum_should_match": 1}})


def _stems(parts: Sequence[Part]) -> frozenset[str]:
    return frozenset().union(*(part.stems for part in parts))


def _best_of(clauses: Sequence[Clause]) -> Clause:
    return {"dis_max": {"queries": clauses, "tie_breaker": OTHERS}}


def _near(name: str, word: str, distance: int, weight: float) -> Clause:
    given = {"value": word, "fuzziness": distance, "rewrite": "constant_score", "boost": weight}
    return {"fuzzy": {name: given}}
