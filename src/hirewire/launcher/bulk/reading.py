"""Files of vacancies and resumes: CSV, JSON, and JSON Lines, with every mistake by its line.

A CSV file is RFC 4180's, with `,`, `;` or a tab between the cells and a head of column names; a
JSON file is a list of what the API takes, or of JSON Resumes, or one object; JSON Lines has one a
line.
"""

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hirewire.launcher.bulk.columns import COLUMNS, PERSON, Body, Kind, body_of

LARGEST_BYTES = 1024 * 1024 * 1024
LARGEST_CELL = 1_000_000


class Unreadable(Exception):
    """Nothing of the file can be taken; says why."""


@dataclass(slots=True)
class Row:
    """One vacancy or resume of a file."""

    line: int
    """Of the file where it begins, from 1; of a JSON list the place of the item."""
    body: Body = field(default_factory=dict)
    email: str | None = None
    full_name: str | None = None
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Columns, and what is wrong with them."""
    is_table: bool = False
    """Whether mistakes are told by column rather than by JSON pointer."""

    @property
    def title(self) -> str:
        """What it is known by to whoever wrote the file."""
        basics = self.body.get("basics")
        label = basics.get("label") if isinstance(basics, dict) else None
        return str(self.body.get("title") or label or "")

    @property
    def mark(self) -> str:
        """The same for the same content and owner, on any day."""
        content = json.dumps([self.email, self.body], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def rows_of(path: Path, kind: Kind) -> list[Row]:
    """What the file holds. Raises `Unreadable`."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Unreadable(f"{path} is larger than {LARGEST_BYTES >> 30} GiB")
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{path} is not UTF-8 (line {line}); save it as UTF-8") from None
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
        raise Unreadable(f"{path} holds nothing but its head")
    return found


def _table(path: Path, written: str, kind: Kind) -> Iterator[Row]:
    head_line = written.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=head_line.count)
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    head = _head(path, kind, reader)
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            # Where a quotation that is never closed ends nobody knows, nor what comes after it.
            yield Row(line, wrong=[("", f"{error}; this line and all after it were not read")])
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _row(line, head, cells, kind)
        line = reader.line_num + 1


def _head(path: Path, kind: Kind, reader: Iterator[list[str]]) -> list[str]:
    known = [*COLUMNS[kind], *(PERSON if kind == "resumes" else ())]
    by_letters = {name.casefold(): name for name in known}
    try:
        given = [cell.strip() for cell in next(reader)]
    except csv.Error as error:
        raise Unreadable(f"{path}: the head cannot be read: {error}") from None
    head = [by_letters.get(name.casefold().replace("_", "").replace(" ", ""), "") for name in given]
    for name, meant in zip(given, head, strict=True):
        if not meant:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Unreadable(
                f"{path}: no column {name!r}{hint}\nThe columns are {', '.join(known)}"
            )
        if head.count(meant) > 1:
            raise Unreadable(f"{path}: the column {meant} is there twice")
    if "title" not in head:
        raise Unreadable(f"{path}: there is no column title")
    return head


def _row(line: int, head: list[str], cells: list[str], kind: Kind) -> Row:
    if len(cells) != len(head):
        why = f"has {len(cells)} cells, where the head has {len(head)}"
        return Row(line, wrong=[("", why)])
    named = dict(zip(head, cells, strict=True))
    body, wrong = body_of(kind, named)
    email, full_name = (named.get(name, "").strip() or None for name in PERSON)
    return Row(line, body, email, full_name, wrong, is_table=True)


def _json_list(path: Path, written: str, kind: Kind) -> Iterator[Row]:
    try:
        found = json.loads(written)
    except ValueError as error:
        raise Unreadable(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise Unreadable(f"{path} is not JSON that can be read: it is nested too deeply") from None
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
