"""Names of languages by CLDR: in English, in Russian and in the language itself.

`python -m tests.vacancies.recommendations.languages` writes the table that the service reads: with
babel it would hold the data of some two hundred locales in memory.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from babel import Locale, UnknownLocaleError

import hirewire.vacancies.recommendations

TABLE = Path(hirewire.vacancies.recommendations.__file__).parent / "languages.csv"


def rows() -> Iterator[list[str]]:
    """A line for each language: its tag, then its distinct names."""
    english, russian = Locale("en").languages, Locale("ru").languages
    for tag in sorted(english, key=lambda tag: (len(tag), tag)):
        names = [english.get(tag), russian.get(tag)]
        if len(tag) == 2:
            try:
                names.append(Locale(tag).languages.get(tag))
            except UnknownLocaleError:
                continue
        yield [tag, *dict.fromkeys(name for name in names if name)]


def table() -> str:
    """The whole file."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows())
    return text.getvalue()


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
