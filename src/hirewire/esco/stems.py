"""Words without their English and Russian endings, as the search removes them (decision 0015)."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import tantivy


def stemmed(words: Iterable[str]) -> list[str]:
    """The stem of each word. The words must be without spaces, and in lower case."""
    text = " ".join(words)
    stems: list[str] = _analyzer().analyze(text) if text else []
    return stems


@cache
def _analyzer() -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    for language in ("english", "russian"):
        builder = builder.filter(tantivy.Filter.stemmer(language))
    return builder.build()
