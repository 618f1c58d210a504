"""Reads files of vacancies and resumes: CSV, JSON and JSON Lines, with errors by line.

A CSV file is that of RFC 4180, as spreadsheets save it: with `,`, `;` or a tab between the cells (a
first line `sep=;` may specify it) and a header row of column names in English or Russian. A JSON
file is a list of API bodies or JSON Resumes, or a single one; JSON Lines has one per line.
"""

import codecs
import csv
import difflib
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import charset_normalizer

from hirewire.tools.imports.columns import COLUMNS, PERSON, Body, Kind, body_of, head_of

LARGEST_BYTES = 1024 * 1024 * 1024
LARGEST_CELL = 1_000_000
SAMPLE, MOST_WORDS = 256 * 1024, 20_000
"""Bytes and words that are examined to detect the encoding, if the file does not specify it."""
SIGNED = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
SEPARATOR = re.compile(r'"?sep=([^"])"?[,;\t]*', re.IGNORECASE)
"""The first line that specifies the separator for Excel."""
OLD = ["cp1251", "cp1252", "koi8_r", "cp866", "mac_cyrillic", "utf_16_le", "utf_16_be"]
"""Encodings that spreadsheets save in."""


class Unreadable(Exception):
    """The file cannot be read; the message gives the reason."""


@dataclass(slots=True)
class Row:
    """One vacancy or resume of a file."""

    line: int
    """Its first line in the file, counted from 1; in a JSON list the position of the item."""
    body: Body = field(default_factory=dict)
    email: str | None = None
    full_name: str | None = None
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Columns and their errors."""
    is_table: bool = False
    """Whether errors are reported by column instead of by JSON pointer."""

    @property
    def title(self) -> str:
        """The title, by which the author of the file recognises the row."""
        basics = self.body.get("basics")
        label = basics.get("label") if isinstance(basics, dict) else None
        return str(self.body.get("title") or label or "")

    @property
    def mark(self) -> str:
        """A hash of content and owner, the same on any day."""
        content = json.dumps([self.email, self.body], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def rows_of(path: Path, kind: Kind, encoding: str | None = None) -> tuple[list[Row], str]:
    """The rows of the file, and its encoding. Raises `Unreadable`.

    Without `encoding` it is taken from the file's first bytes, else UTF-8, else the one that fits
    its letters best.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Unreadable(f"{path} is larger than {LARGEST_BYTES >> 30} GiB")
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None
    written, taken = _decoded(path, content, encoding)
    if not written.strip():
        raise Unreadable(f"{path} is empty")
    ending = path.suffix.lower()
    if ending in (".jsonl", ".ndjson"):
        found = list(_json_lines(written, kind))
    elif ending == ".json" or (
        ending not in (".csv", ".tsv", ".txt") and written.lstrip()[:1] in ("[", "{")
    ):
        found = list(_json_list(path, written, kind))
    else:
        found = list(_table(path, written, kind))
    if not found:
        raise Unreadable(f"{path} contains no rows")
    return found, taken


def _decoded(path: Path, content: bytes, encoding: str | None) -> tuple[str, str]:
    """The text, and its original encoding."""
    signed = next((name for sign, name in SIGNED if content.startswith(sign)), None)
    utf_8 = None if b"\x00" in content[:SAMPLE] else "utf-8-sig"
    for name in (encoding,) if encoding else (signed, utf_8, _likeliest(content)):
        if name is None:
            continue
        try:
            return content.decode(name).removeprefix("\ufeff"), name.removesuffix("-sig")
        except LookupError:
            raise Unreadable(f"--encoding: unknown encoding {name}") from None
        except UnicodeError as error:
            if encoding:
                line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
                raise Unreadable(f"{path} is not {encoding} (line {line})") from None
    raise Unreadable(f"{path}: its encoding is not known; use --encoding, or save it as UTF-8")


def _likeliest(content: bytes) -> str | None:
    """The encoding that fits best; texts that most encodings read alike do not count."""
    sample = content[:SAMPLE]
    if b"\x00" not in sample:
        sample = b" ".join(word[0] for word in islice(WORD.finditer(content), MOST_WORDS))
    found = charset_normalizer.from_bytes(sample, cp_isolation=OLD).best()
    return None if found is None else found.encoding.replace("_", "-")


def _table(path: Path, written: str, kind: Kind) -> Iterator[Row]:
    csv.field_size_limit(LARGEST_CELL)
    lines = list(io.StringIO(written, newline=""))
    start = next(nth for nth, line in enumerate(lines) if line.strip())
    delimiter = None
    if named := SEPARATOR.fullmatch(lines[start].rstrip("\r\n")):
        delimiter = named[1]
        start += 1
    delimiter = delimiter or _delimiter(lines, start)
    head: list[str] | None = None
    while start < len(lines):
        # Read from here until a row cannot be read, then continue at the line after it.
        reader = csv.reader(_from(lines, start), delimiter=delimiter, strict=True)
        try:
            for line, cells in _records(reader, start):
                start = line
                if not any(cell.strip() for cell in cells):
                    continue
                if head is None:
                    head = _head(path, kind, cells)
                else:
                    yield _row(line, head, cells, kind)
        except _Broken as broken:
            if head is None:
                raise Unreadable(f"{path}: the header row cannot be read: {broken}") from None
            yield Row(broken.line, wrong=[("", f"cannot be read: {broken}")])
            start = broken.line
        else:
            return


class _Broken(Exception):
    """A row that cannot be read."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def _records(reader: Any, start: int) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line where it begins. Raises `_Broken`."""
    while True:
        line = start + reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = str(error)
            if "field limit" not in why:
                why = "a quotation mark is in the wrong place, or is never closed"
            raise _Broken(line, why) from None


def _from(lines: list[str], start: int) -> Iterator[str]:
    for nth in range(start, len(lines)):
        yield lines[nth]


def _delimiter(lines: list[str], start: int) -> str:
    """The separator that occurs most often in the first row."""
    counts = dict.fromkeys(",;\t", 0)
    is_quoted = False
    for line in _from(lines, start):
        for sign in line:
            if sign == '"':
                is_quoted = not is_quoted
            elif sign in counts and not is_quoted:
                counts[sign] += 1
        if not is_quoted:
            break
    return max(counts, key=lambda sign: counts[sign])


def _head(path: Path, kind: Kind, cells: list[str]) -> list[str]:
    """The columns of the header row; empty for one without a name, whose cells must be empty."""
    known = [*COLUMNS[kind], *(PERSON if kind == "resumes" else ())]
    head = []
    for name in (cell.strip() for cell in cells):
        meant = head_of(kind, name) if name else ""
        if meant is None:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Unreadable(
                f"{path}: no column {name!r}{hint}\nThe columns are {', '.join(known)}"
            )
        if meant and meant in head:
            raise Unreadable(f"{path}: the column {meant} occurs twice")
        head.append(meant)
    if "title" not in head:
        raise Unreadable(f"{path}: the column title is missing")
    return head


def _row(line: int, head: list[str], cells: list[str], kind: Kind) -> Row:
    """Missing cells are empty; cells beyond the last column must be empty."""
    named = dict(zip(head, cells, strict=False))
    unnamed = [
        cell
        for nth, cell in enumerate(cells)
        if cell.strip() and (nth >= len(head) or not head[nth])
    ]
    if unnamed:
        why = f"has {unnamed[0][:40]!r} in a column without a name"
        return Row(line, wrong=[("", why)])
    body, wrong = body_of(kind, named)
    email, full_name = (named.get(name, "").strip() or None for name in PERSON)
    return Row(line, body, email, full_name, wrong, is_table=True)


def _json_list(path: Path, written: str, kind: Kind) -> Iterator[Row]:
    try:
        found = json.loads(written)
    except ValueError as error:
        raise Unreadable(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise Unreadable(f"{path} is JSON that is nested too deeply") from None
    items = found if isinstance(found, list) else [found]
    for place, item in enumerate(items, 1):
        yield _object(place, item, kind)


def _json_lines(written: str, kind: Kind) -> Iterator[Row]:
    for line, one in enumerate(written.split("\n"), 1):
        if not one.strip():
            continue
        try:
            yield _object(line, json.loads(one), kind)
        except (ValueError, RecursionError) as error:
            yield Row(line, wrong=[("", f"is not JSON: {error}")])


def _object(line: int, item: Any, kind: Kind) -> Row:
    if not isinstance(item, dict):
        return Row(line, wrong=[("", "must be a JSON object")])
    body = dict(item)
    if kind == "vacancies":
        return Row(line, body)
    email, full_name = (body.pop(name, None) for name in PERSON)
    for name, value in zip(PERSON, (email, full_name), strict=True):
        if value is not None and not isinstance(value, str):
            return Row(line, body, wrong=[(name, "must be text")])
    return Row(line, body, email, full_name)
