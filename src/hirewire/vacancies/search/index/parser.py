"""Parses a typed search query into a query of the index library, tantivy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tantivy import (
    FieldType,
    Filter,
    Occur,
    Query,
    Schema,
    Searcher,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from hirewire.esco import dictionary
from hirewire.places.gazetteer import Place, gazetteer
from hirewire.vacancies.search import rules
from hirewire.vacancies.search.index.widening import NOTHING, RELATED, Related, related_to
from hirewire.vacancies.search.rules import Term

LONGEST_WORD = 60


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
class ParsedQuery:
    """A query, and the corrections that were made to understand it."""

    query: Query | None
    """None if the text has no words to search for."""
    corrected: dict[str, str] = field(default_factory=dict)
    """Words without any match, with the text that the same keys type in the other keyboard layout.
    """
    tolerated: list[str] = field(default_factory=list)
    """Words without any match that were replaced by similar ones."""
    related: Related = NOTHING
    """What the query was widened by."""


class QueryParser:
    """Parses queries for one commit of an index.

    A document must match every term: a word in one of its text fields (`texts`, with the weight of
    each), a phrase within one field. Adjacent words that name a skill of the dictionary also match
    its other names. A word that occurs in no document is read in the other keyboard layout, or as a
    typo. Documents that the searching company may not see (`unseen`) do not count as occurrences;
    otherwise the lack of a correction would reveal that they contain the word.
    """

    def __init__(
        self,
        schema: Schema,
        searcher: Searcher,
        texts: Mapping[str, float],
        unseen: Sequence[Query] = (),
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._texts = texts
        self._unseen = [(Occur.MustNot, query) for query in unseen]

    def parse(self, text: str, step: int = 0) -> ParsedQuery:
        """The query for this text; in a step of widening, also for related titles and skills."""
        parsed = ParsedQuery(None)
        text, pay = rules.pay_from(text)
        required = [term for term in rules.terms(text) if not term.excluded]
        unwanted = [term for term in rules.terms(text) if term.excluded]
        required = [t for t in required if t.phrase or _MEANINGFUL.analyze(t.text)] or required
        parts = [(Occur.Must, query) for query in self._queries(required, parsed, step)]
        parts += [
            (Occur.MustNot, query)
            for term in unwanted
            if (query := self._in_texts(_STEMS.analyze(term.text))) is not None
        ]
        if pay is not None:
            enough = Query.range_query(self._schema, "pay", FieldType.Unsigned, pay, None)
            parts.append((Occur.Must, Query.const_score_query(enough, 0.0)))
        if not parts:
            return parsed
        if all(occur == Occur.MustNot for occur, _ in parts):
            parts.append((Occur.Must, Query.all_query()))
        parsed.query = Query.boolean_query(parts)
        return parsed

    def _queries(self, terms: Sequence[Term], parsed: ParsedQuery, step: int) -> list[Query]:
        """A query for each term, or for each run of terms that names one skill."""
        queries, taken = [], [False] * len(terms)
        names: dict[int, tuple[int, list[Query]]] = {}
        for start, end in rules.spans(len(terms)):
            if any(taken[start:end]) or any(term.phrase for term in terms[start:end]):
                continue
            words = [term.text for term in terms[start:end]]
            synonyms = [*self._synonyms(words), *self._wider(words, parsed, step)]
            if synonyms:
                taken[start:end] = [True] * (end - start)
                names[start] = (end, synonyms)
        place = 0
        while place < len(terms):
            end, synonyms = names.get(place, (place + 1, []))
            typed = [self._term(term, parsed, known=bool(synonyms)) for term in terms[place:end]]
            query = _all([word for word in typed if word is not None])
            if synonyms:
                ways = [*([] if query is None else [query]), *synonyms]
                query = Query.disjunction_max_query(ways, 0.1)
            if query is not None:
                queries.append(query)
            place = end
        return queries

    def _synonyms(self, words: Sequence[str]) -> list[Query]:
        """Queries for what these words can mean: a skill, a place, a work format, a synonym."""
        ways: list[Query] = []
        names = list(rules.said_otherwise(words))
        skill = dictionary().find(" ".join(words))
        if skill is not None:
            known = Query.term_query(self._schema, "skill", skill, index_option="basic")
            ways.append(Query.const_score_query(known, 1.0))
            names += [name for name in (dictionary().name_of(skill),) if name]
        if len(words) == 1 and (format := rules.work_format(words[0])) is not None:
            named = Query.term_query(self._schema, "workFormat", format, index_option="basic")
            ways.append(Query.const_score_query(named, 1.0))
        if (place := gazetteer().find(" ".join(words))) is not None:
            ways += self._at(place)
        for name in names:
            query = self._in_texts(_STEMS.analyze(rules.plain(name)))
            if query is not None:
                ways.append(query)
        return ways

    def _wider(self, words: Sequence[str], parsed: ParsedQuery, step: int) -> list[Query]:
        """Queries for what is related to these words; none if the query is not widened."""
        related = related_to(" ".join(words)) if step else NOTHING
        parsed.related |= related
        values = {"occupation": related.occupation_values(step)}
        if step == RELATED:
            values["skill"] = sorted(related.skills)
        return [
            Query.const_score_query(Query.term_set_query(self._schema, name, ones), 1.0)
            for name, ones in values.items()
            if ones
        ]

    def _at(self, place: Place) -> list[Query]:
        """Queries for documents at a place or with its name; none if no document matches."""
        ways: list[Query] = []
        there = Query.term_query(self._schema, "area", place.key, index_option="basic")
        if self._is_seen(there):
            ways.append(Query.const_score_query(there, 1.0))
        for name in dict.fromkeys((place.name, place.name_ru)):
            stems = _STEMS.analyze(rules.plain(name))
            if stems and all(self._is_used(stem) for stem in stems):
                query = self._in_texts(stems)
                ways += [] if query is None else [query]
        return ways

    def _term(self, term: Term, parsed: ParsedQuery, *, known: bool) -> Query | None:
        stems = _STEMS.analyze(term.text)
        if not stems:
            return None
        if term.phrase or known or len(stems) > 1 or self._is_used(stems[0]):
            return self._in_texts(stems)
        other = rules.other_layout(term.text)
        switched = _STEMS.analyze(rules.plain(other))
        if switched and all(self._is_used(stem) for stem in switched):
            parsed.corrected[term.text] = other
            return self._in_texts(switched)
        if (distance := rules.tolerance(stems[0])) == 0:
            return self._in_texts(stems)
        parsed.tolerated.append(term.text)
        # A typo can prevent the stemming of a word, so whole words are compared as well.
        [whole] = _PLAIN.analyze(term.text)
        return self._each_text(
            lambda name: Query.fuzzy_term_query(self._schema, name, stems[0], distance)
        ).or_should_match(Query.fuzzy_term_query(self._schema, "whole_words", whole, distance))

    def _is_used(self, stem: str) -> bool:
        used = (name for name in self._texts if self._searcher.doc_freq(name, stem))
        # The frequency includes deleted documents until segments are merged.
        if not self._unseen:
            return any(used)
        return any(self._is_seen(Query.term_query(self._schema, name, stem)) for name in used)

    def _is_seen(self, word: Query) -> bool:
        query = Query.boolean_query([(Occur.Must, word), *self._unseen])
        return bool(self._searcher.search(query, 1, count=False).hits)

    def _in_texts(self, stems: Sequence[str]) -> Query | None:
        if not stems:
            return None
        if len(stems) == 1:
            return self._each_text(lambda name: Query.term_query(self._schema, name, stems[0]))
        return self._each_text(lambda name: Query.phrase_query(self._schema, name, list(stems)))

    def _each_text(self, make: Callable[[str], Query]) -> Query:
        """One query for all text fields: the best field counts fully, the others a little."""
        return Query.disjunction_max_query(
            [Query.boost_query(make(name), weight) for name, weight in self._texts.items()], 0.1
        )


def _all(queries: Sequence[Query]) -> Query | None:
    if len(queries) < 2:
        return queries[0] if queries else None
    return Query.boolean_query([(Occur.Must, query) for query in queries])
