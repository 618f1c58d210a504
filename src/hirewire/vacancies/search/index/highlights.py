"""Text fragments with the matching words in `<mark>`."""

import re
from collections.abc import Collection, Iterable, Sequence
from html import escape

from tantivy import Document, Query, Schema, Searcher, SnippetGenerator

from hirewire.vacancies.search.index.parser import stems_of
from hirewire.vacancies.search.rules import plain

FRAGMENT_CHARACTERS = 240
_WORD = re.compile(r"[^\W_]+[+#]*")
"""`rules.WORD`, in the syntax of Python."""


def highlighted(
    searcher: Searcher, schema: Schema, query: Query, name: str, texts: Sequence[str]
) -> list[str | None]:
    """The best fragment of each text as HTML; None where the field `name` does not match."""
    generator = SnippetGenerator.create(searcher, query, schema, name)
    generator.set_max_num_chars(FRAGMENT_CHARACTERS)
    return [_fragment(generator, name, text) for text in texts]


def _fragment(generator: SnippetGenerator, name: str, text: str) -> str | None:
    """The best fragment; a short text stays whole."""
    if not text:
        return None
    searched = plain(text)
    document = Document()
    document.add_text(name, searched)
    snippet = generator.snippet_from_doc(document)
    spans = sorted((span.start, span.end) for span in snippet.highlighted())
    if not spans:
        return None
    chosen, encoded = snippet.fragment_range(), searched.encode()

    def place_of(offset: int) -> int:
        """The position in the text that corresponds to a byte offset in the fragment.

        The analysed text has its characters at the same positions as the original.
        """
        return len(encoded[: chosen.start + offset].decode())

    marks = [(place_of(start), place_of(stop)) for start, stop in spans]
    return _marked(text, marks, place_of(0), place_of(chosen.end - chosen.start))


def _marked(text: str, marks: Iterable[tuple[int, int]], place: int, end: int) -> str:
    """The fragment from `place` to `end` with these spans marked; a short text stays whole."""
    # A fragment ends with its last word; in a short title this would cut off a closing bracket.
    if len(text) <= FRAGMENT_CHARACTERS:
        place, end = 0, len(text)
    parts = []
    for start, stop in marks:
        if place <= start < end:
            parts += [escape(text[place:start]), "<mark>", escape(text[start:stop]), "</mark>"]
            place = stop
    return "".join([*parts, escape(text[place:end])])


def highlighted_words(stems: Collection[str], texts: Sequence[str]) -> list[str | None]:
    """The best fragment of each text as HTML; None where no word has one of these stems."""
    return [_best_fragment(stems, text) for text in texts]


def _best_fragment(stems: Collection[str], text: str) -> str | None:
    """The fragment with most of these words; the first one of several."""
    marks: list[tuple[int, int]] = []
    best: tuple[int, int, int] | None = None
    first, count = 0, 0
    for match in _WORD.finditer(plain(text)):
        start, stop = match.span()
        if stop - first > FRAGMENT_CHARACTERS:
            first, count = start, 0
        if any(stem in stems for stem in stems_of(match[0])):
            marks.append((start, stop))
            count += 1
        if count and (best is None or (count >= best[0] and first <= best[1]) or count > best[0]):
            best = count, first, stop
    if best is None:
        return None
    return _marked(text, marks, best[1], best[2])
