"""Reads a typed search query, whatever it is read into.

For an index it becomes a query of the embedded engine (`query_parser.py`) or of a cluster
(`cluster/reader.py`); saved searches are read by the same rules into conditions for one vacancy
(`alerts/index/conditions.py`).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from tantivy import (
    Filter,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from hirewire.esco import dictionary
from hirewire.places.gazetteer import Place, gazetteer
from hirewire.vacancies.search import rules
from hirewire.vacancies.search.index.widening import NOTHING, Related, related_to
from hirewire.vacancies.search.rules import Term

LONGEST_WORD = 60
_MAYBE_LONG = re.compile(rf"[^\W_]{{{LONGEST_WORD // 4},}}[+#]*")
Q = TypeVar("Q")


def analyzer() -> TextAnalyzer:
    """Splits a text into lower-case words and stems them in Russian and English."""
    return _words().filter(Filter.stemmer("russian")).filter(Filter.stemmer("english")).build()


def plain_analyzer() -> TextAnalyzer:
    """Splits a text into whole lower-case words."""
    return _words().build()


def _words() -> TextAnalyzerBuilder:
    builder = TextAnalyzerBuilder(Tokenizer.regex(rules.WORD))
    return builder.filter(Filter.remove_long(LONGEST_WORD)).filter(Filter.lowercase())


_STEMS, _PLAIN = analyzer(), plain_analyzer()
_MEANINGFUL = _words().filter(Filter.stopword("russian")).filter(Filter.stopword("english")).build()


@dataclass
class ParsedQuery(Generic[Q]):
    """A query, and the corrections that were made to understand it."""

    query: Q | None
    """None if the text has no words to search for."""
    corrected: dict[str, str] = field(default_factory=dict)
    """Words without any match, with the text that the same keys type in the other keyboard layout.
    """
    tolerated: list[str] = field(default_factory=list)
    """Words without any match that were replaced by similar ones."""
    related: Related = NOTHING
    """What the query was widened by."""


class TextReader(ABC, Generic[Q]):
    """Reads a text as a query of the type `Q`.

    A document must match every term: a word in one of its text fields, a phrase within one field.
    Adjacent words that name a skill of the dictionary also match its other names.
    """

    def read(self, text: str, step: int = 0) -> Q | None:
        """The query for this text; None if it has nothing to search for."""
        text, pay = rules.pay_from(text)
        terms = rules.terms(text)
        required = [term for term in terms if not term.excluded]
        unwanted = [term for term in terms if term.excluded]
        required = [t for t in required if t.phrase or _is_meaningful(t.text)] or required
        parts = self.parts(required, step)
        banned = [
            query
            for term in unwanted
            if (query := self.in_texts(_STEMS.analyze(term.text))) is not None
        ]
        if not parts and not banned and pay is None:
            return None
        return self.together(parts, banned, pay)

    def parts(self, terms: Sequence[Term], step: int) -> list[Q]:
        """A query for each term, or for each run of terms that names one skill."""
        queries, taken = [], [False] * len(terms)
        names: dict[int, tuple[int, list[Q]]] = {}
        for start, end in rules.spans(len(terms)):
            if any(taken[start:end]) or any(term.phrase for term in terms[start:end]):
                continue
            synonyms = self.synonyms([term.text for term in terms[start:end]], step)
            if synonyms:
                taken[start:end] = [True] * (end - start)
                names[start] = (end, synonyms)
        place = 0
        while place < len(terms):
            end, synonyms = names.get(place, (place + 1, []))
            typed = [self.term(term, known=bool(synonyms)) for term in terms[place:end]]
            query = self._all_of([word for word in typed if word is not None])
            if synonyms:
                query = self.any_of([*([] if query is None else [query]), *synonyms])
            if query is not None:
                queries.append(query)
            place = end
        return queries

    def synonyms(self, words: Sequence[str], step: int = 0) -> list[Q]:
        """Queries for what these words can mean: a skill, a place, a work format, a synonym."""
        ways: list[Q] = []
        names = list(rules.said_otherwise(words))
        skill = dictionary().find(" ".join(words))
        if skill is not None:
            ways.append(self.value("skill", skill))
            names += [name for name in (dictionary().name_of(skill),) if name]
        if len(words) == 1 and (format := rules.work_format(words[0])) is not None:
            ways.append(self.value("workFormat", format))
        if (place := gazetteer().find(" ".join(words))) is not None:
            ways += self.at(place)
        for name in names:
            query = self.named(words, stems_of(rules.plain(name)))
            if query is not None:
                ways.append(query)
        return [*ways, *self.related(words, step)]

    def named(self, words: Sequence[str], stems: Sequence[str]) -> Q | None:
        """What these words mean, by the stems of its name; None if that finds nothing more."""
        return self.in_texts(stems)

    def term(self, term: Term, *, known: bool) -> Q | None:
        """The query for one term; only an unknown word may be read in another way."""
        stems = stems_of(term.text)
        if not stems:
            return None
        if term.phrase or known or len(stems) > 1:
            return self.in_texts(stems)
        return self.unknown(term.text, stems[0])

    def in_texts(self, stems: Sequence[str]) -> Q | None:
        """A word, or a phrase of several; None without any."""
        if not stems:
            return None
        return self.word(stems[0]) if len(stems) == 1 else self.phrase(stems)

    def _all_of(self, queries: Sequence[Q]) -> Q | None:
        if len(queries) < 2:
            return queries[0] if queries else None
        return self.all_of(queries)

    def related(self, words: Sequence[str], step: int) -> list[Q]:
        """Queries for what is related to these words; none if the query is not widened."""
        return []

    @abstractmethod
    def word(self, stem: str) -> Q:
        """A word in any text field."""

    @abstractmethod
    def phrase(self, stems: Sequence[str]) -> Q:
        """Adjacent words in one text field."""

    @abstractmethod
    def value(self, name: str, value: str) -> Q:
        """An exact value of a field."""

    @abstractmethod
    def at(self, place: Place) -> list[Q]:
        """Documents at a place or with its name; none if no document matches."""

    @abstractmethod
    def unknown(self, typed: str, stem: str) -> Q:
        """A word that no dictionary knows: if no document has it, as it may have been meant."""

    @abstractmethod
    def all_of(self, queries: Sequence[Q]) -> Q:
        """All of several."""

    @abstractmethod
    def any_of(self, queries: Sequence[Q]) -> Q:
        """Any of these."""

    @abstractmethod
    def together(self, parts: Sequence[Q], banned: Sequence[Q], pay: int | None) -> Q:
        """All parts, none of the banned ones, and at least this pay."""


def unbroken_stems(text: str) -> Iterator[list[str]]:
    """The stems of the parts of a text between words that are too long to be indexed.

    No phrase spans these words.
    """
    start = 0
    for match in _MAYBE_LONG.finditer(text):
        if len(match[0].encode()) > LONGEST_WORD:
            yield _STEMS.analyze(text[start : match.start()])
            start = match.end()
    yield _STEMS.analyze(text[start:])


def plain_words_of(text: str) -> list[str]:
    """The words of a text, in lower case and without stemming."""
    return _PLAIN.analyze(text)


@lru_cache(maxsize=20_000)
def stems_of(text: str) -> tuple[str, ...]:
    """The stems of a term's words."""
    return tuple(_STEMS.analyze(text))


@lru_cache(maxsize=20_000)
def _is_meaningful(text: str) -> bool:
    """Whether a term is more than words such as "the"."""
    return bool(_MEANINGFUL.analyze(text))


@lru_cache(maxsize=20_000)
def switched_stems(typed: str) -> tuple[str, ...]:
    """The stems of what the same keys type in the other keyboard layout."""
    return tuple(_STEMS.analyze(rules.plain(rules.other_layout(typed))))


@lru_cache(maxsize=5_000)
def place_stems(place: Place) -> tuple[tuple[str, ...], ...]:
    """The stems of each name of a place."""
    names = dict.fromkeys((place.name, place.name_ru))
    return tuple(tuple(stems) for name in names if (stems := _STEMS.analyze(rules.plain(name))))


@lru_cache(maxsize=20_000)
def whole_word(typed: str) -> str:
    """A typed word as it is, without stemming."""
    [whole] = _PLAIN.analyze(typed)
    return str(whole)


class IndexReader(TextReader[Q]):
    """Reads queries for an index: a word that no document has is read in another way."""

    def __init__(self) -> None:
        self._parsed: ParsedQuery[Q] = ParsedQuery(None)

    def parse(self, text: str, step: int = 0) -> ParsedQuery[Q]:
        """The query for this text; in a step of widening, also for related titles and skills."""
        self._parsed = ParsedQuery(None)
        self._parsed.query = self.read(text, step)
        return self._parsed

    def related(self, words: Sequence[str], step: int) -> list[Q]:
        """Queries for what is related to these words; none if the query is not widened."""
        related = related_to(" ".join(words)) if step else NOTHING
        self._parsed.related |= related
        return [self.one_of(name, values) for name, values in related.values(step).items()]

    def at(self, place: Place) -> list[Q]:
        """Queries for documents at a place or with its name; none if no document matches."""
        ways = [self.value("area", place.key)] if self.is_at(place.key) else []
        for stems in place_stems(place):
            if self.are_used(stems):
                query = self.in_texts(stems)
                ways += [] if query is None else [query]
        return ways

    def unknown(self, typed: str, stem: str) -> Q:
        """The word; if no document has it, in the other keyboard layout, or with typos."""
        if self.is_used(stem):
            return self.word(stem)
        switched = switched_stems(typed)
        if switched and self.are_used(switched):
            self._parsed.corrected[typed] = rules.other_layout(typed)
            query = self.in_texts(switched)
            assert query is not None
            return query
        if (distance := rules.tolerance(stem)) == 0:
            return self.word(stem)
        self._parsed.tolerated.append(typed)
        # A typo can prevent the stemming of a word, so whole words are compared as well.
        return self.near(stem, whole_word(typed), distance)

    def are_used(self, stems: Sequence[str]) -> bool:
        """Whether documents have all of these words."""
        return all(map(self.is_used, stems))

    @abstractmethod
    def is_used(self, stem: str) -> bool:
        """Whether a document has this word."""

    @abstractmethod
    def is_at(self, area: str) -> bool:
        """Whether a document is at this place."""

    @abstractmethod
    def near(self, stem: str, whole: str, distance: int) -> Q:
        """A stem, or a whole word, with so many typos."""

    @abstractmethod
    def one_of(self, name: str, values: Sequence[str]) -> Q:
        """Any of these exact values of a field."""
