"""Names of places in the nominative."""

import re
from collections.abc import Iterator

_ENDINGS = (
    ("е", ("", "а", "о")), ("и", ("ь", "я", "а")), ("ах", ("ы",)), ("у", ("",)), ("а", ("",)),
    ("ы", ("а",)), ("я", ("ь",)),
)  # fmt: skip
"""Endings of the locative and the genitive, for "в Казани" and "из Минска"."""


def forms_of(name: str) -> Iterator[str]:
    """A name of the locative in the nominative: "Казани", "Нижнем Новгороде"."""
    yield name
    words = name.split(" ")
    last = words[-1]
    head = [re.sub(r"(?:ем|ом)$", "ий", word) for word in words[:-1]]
    head_hard = [re.sub(r"(?:ем|ом)$", "ый", word) for word in words[:-1]]
    for ending, instead in _ENDINGS:
        if last.endswith(ending) and len(last) > 3:
            for one in instead:
                word = last[: -len(ending)] + one
                yield " ".join([*words[:-1], word])
                if head:
                    yield " ".join([*head, word])
                    yield " ".join([*head_hard, word])
