"""Parses a typed search query into a query of the index library, tantivy."""

from collections.abc import Callable, Mapping, Sequence

from tantivy import FieldType, Occur, Query, Schema, Searcher

from hirewire.vacancies.search.index.parser import IndexReader, stems_of
from hirewire.vacancies.search.index.schema import ANY_TEXT


class QueryParser(IndexReader[Query]):
    """Parses queries for one commit of an index.

    Text fields have weights (`texts`). A word that occurs in no document is read in the other
    keyboard layout, or as a typo. Documents that the searching company may not see (`unseen`) do
    not count as occurrences; otherwise the lack of a correction would reveal that they contain the
    word.
    """

    def __init__(
        self,
        schema: Schema,
        searcher: Searcher,
        texts: Mapping[str, float],
        unseen: Sequence[Query] = (),
    ) -> None:
        super().__init__()
        self._schema = schema
        self._searcher = searcher
        self._texts = texts
        self._unseen = [(Occur.MustNot, query) for query in unseen]
        self._used: dict[str, bool] = {}

    def together(self, parts: Sequence[Query], banned: Sequence[Query], pay: int | None) -> Query:
        """All parts, none of the banned ones, and at least this pay."""
        clauses = [(Occur.Must, query) for query in parts]
        clauses += [(Occur.MustNot, query) for query in banned]
        if pay is not None:
            enough = Query.range_query(self._schema, "pay", FieldType.Unsigned, pay, None)
            clauses.append((Occur.Must, Query.const_score_query(enough, 0.0)))
        if all(occur == Occur.MustNot for occur, _ in clauses):
            clauses.append((Occur.Must, Query.all_query()))
        return Query.boolean_query(clauses)

    def all_of(self, queries: Sequence[Query]) -> Query:
        """All of several."""
        return Query.boolean_query([(Occur.Must, query) for query in queries])

    def any_of(self, queries: Sequence[Query]) -> Query:
        """Any of these: the best counts fully, the others a little."""
        return Query.disjunction_max_query(list(queries), 0.1)

    def value(self, name: str, value: str) -> Query:
        """An exact value of a field."""
        query = Query.term_query(self._schema, name, value, index_option="basic")
        return Query.const_score_query(query, 1.0)

    def word(self, stem: str) -> Query:
        """A word in any text field."""
        return self._each_text(lambda name: Query.term_query(self._schema, name, stem))

    def phrase(self, stems: Sequence[str]) -> Query:
        """Adjacent words in one text field."""
        return self._each_text(lambda name: Query.phrase_query(self._schema, name, list(stems)))

    def one_of(self, name: str, values: Sequence[str]) -> Query:
        """Any of these exact values of a field."""
        query = Query.term_set_query(self._schema, name, list(values))
        return Query.const_score_query(query, 1.0)

    def near(self, stem: str, whole: str, distance: int) -> Query:
        """A stem, or a whole word, with so many typos."""
        return self.similar(stem, distance).or_should_match(
            Query.fuzzy_term_query(self._schema, "whole_words", whole, distance)
        )

    def similar(self, stem: str, distance: int) -> Query:
        """A word in any text field, with at most this many typos."""
        return self._each_text(
            lambda name: Query.fuzzy_term_query(self._schema, name, stem, distance)
        )

    def is_at(self, area: str) -> bool:
        """Whether a document is at this place."""
        return self._is_seen(Query.term_query(self._schema, "area", area, index_option="basic"))

    def is_used(self, stem: str) -> bool:
        """Whether a document has this word."""
        known = self._used.get(stem)
        if known is None:
            # The frequency includes deleted documents until segments are merged.
            known = bool(self._searcher.doc_freq(ANY_TEXT, stem)) and (
                not self._unseen or self._is_seen(in_any_text(self._schema, stem))
            )
            self._used[stem] = known
        return known

    def _is_seen(self, word: Query) -> bool:
        query = Query.boolean_query([(Occur.Must, word), *self._unseen])
        return bool(self._searcher.search(query, 1, count=False).hits)

    def _each_text(self, make: Callable[[str], Query]) -> Query:
        """One query for all text fields: the best field counts fully, the others a little."""
        return Query.disjunction_max_query(
            [Query.boost_query(make(name), weight) for name, weight in self._texts.items()], 0.1
        )


class Matcher(QueryParser):
    """Parses the same queries where only the set of the documents counts: without scores.

    So a word is looked up in one field, without its weights in five.
    """

    def word(self, stem: str) -> Query:
        """A word in any text field."""
        return in_any_text(self._schema, stem)

    def similar(self, stem: str, distance: int) -> Query:
        """A word in any text field, with at most this many typos."""
        return Query.fuzzy_term_query(self._schema, ANY_TEXT, stem, distance)

    def named(self, words: Sequence[str], stems: Sequence[str]) -> Query | None:
        """What these words mean; None if documents with the words themselves are all there are."""
        typed = [stem for word in words for stem in stems_of(word)]
        return None if list(stems) == typed else self.in_texts(stems)


def in_any_text(schema: Schema, stem: str) -> Query:
    """Documents with a word in any text field."""
    return Query.term_query(schema, ANY_TEXT, stem, index_option="basic")
