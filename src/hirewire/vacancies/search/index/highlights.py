"""Text fragments with the matching words in `<mark>`."""

from collections.abc import Sequence
from html import escape

from tantivy import Document, Query, Schema, Searcher, SnippetGenerator

from hirewire.vacancies.search.rules import plain

FRAGMENT_CHARACTERS = 240


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

    is_cut = len(text) > FRAGMENT_CHARACTERS
    # A fragment ends with its last word; in a short title this would cut off a closing bracket.
    place, end = (place_of(0), place_of(chosen.end - chosen.start)) if is_cut else (0, len(text))
    parts = []
    for start, stop in ((place_of(start), place_of(stop)) for start, stop in spans):
        if start >= place:
            parts += [escape(text[place:start]), "<mark>", escape(text[start:stop]), "</mark>"]
            place = stop
    return "".join([*parts, escape(text[place:end])])
