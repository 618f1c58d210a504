"""The columns of a table, and what of a request's body each fills."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

Kind = Literal["vacancies", "resumes"]
Body = dict[str, Any]
_LEVEL = re.compile(r"^(.*\S)\s*:\s*([0-9]+)$")
_YES, _NO = frozenset({"yes", "true", "1", "да"}), frozenset({"no", "false", "0", "нет"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how a cell is read, and where its value goes."""

    read: Callable[[str], Any]
    """Raises `ValueError` with what is wrong."""
    place: tuple[str, ...]
    """Names from the body inwards; several columns may fill the same list, one after another."""


def text(cell: str) -> str:
    """As it is."""
    return cell


def markup(cell: str) -> str:
    """HTML as it is; plain text as paragraphs."""
    if re.search(r"<[a-zA-Z][^>]*>", cell):
        return cell
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", cell))
    return "".join(f"<p>{escape(p, quote=False)}</p>" for p in paragraphs if p)


def number(cell: str) -> int:
    """A whole number; spaces may stand between its thousands."""
    digits = re.sub(r"[\s\u00a0\u202f]", "", cell)
    if not re.fullmatch(r"-?[0-9]{1,18}", digits):
        raise ValueError("must be a whole number")
    return int(digits)


def truth(cell: str) -> bool:
    """Yes or no."""
    word = cell.casefold()
    if word not in _YES | _NO:
        raise ValueError("must be yes or no")
    return word in _YES


def parts(cell: str) -> list[str]:
    """Several values, with semicolons between them."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def skills(cell: str) -> list[Body]:
    """`Python:4; SQL`: names, and levels where they are known."""
    return [_with_level(part, "name") for part in parts(cell)]


def requirements(kind: Literal["must", "nice"]) -> Callable[[str], list[Body]]:
    """The same, as what a vacancy asks for."""
    return lambda cell: [_with_level(part, "skill") | {"kind": kind} for part in parts(cell)]


def languages(cell: str) -> list[Body]:
    """`English:B2; German`."""
    found = []
    for part in parts(cell):
        name, colon, level = part.rpartition(":")
        one = {"language": name.strip(), "level": level.strip()} if colon else {"language": part}
        found.append(one)
    return found


def _with_level(part: str, name: str) -> Body:
    found = _LEVEL.match(part)
    return {name: found[1], "level": int(found[2])} if found else {name: part}


VACANCY = {
    "title": Column(text, ("title",)),
    "description": Column(markup, ("description",)),
    "requirements": Column(requirements("must"), ("requirements",)),
    "niceToHave": Column(requirements("nice"), ("requirements",)),
    "experience": Column(text, ("experience",)),
    "employmentType": Column(text, ("employmentType",)),
    "workFormat": Column(text, ("workFormat",)),
    "area": Column(text, ("area",)),
    "address": Column(text, ("address",)),
    "salaryMin": Column(number, ("salary", "min")),
    "salaryMax": Column(number, ("salary", "max")),
    "currency": Column(text, ("salary", "currency")),
    "salaryUnit": Column(text, ("salary", "unit")),
    "gross": Column(truth, ("salary", "gross")),
    "languages": Column(languages, ("languages",)),
    "validThrough": Column(text, ("validThrough",)),
    "responseLetterRequired": Column(truth, ("responseLetterRequired",)),
}
RESUME = {
    "title": Column(text, ("title",)),
    "summary": Column(text, ("summary",)),
    "area": Column(text, ("area",)),
    "relocation": Column(truth, ("relocation",)),
    "employmentTypes": Column(parts, ("employmentTypes",)),
    "workFormats": Column(parts, ("workFormats",)),
    "salary": Column(number, ("salary", "amount")),
    "currency": Column(text, ("salary", "currency")),
    "salaryUnit": Column(text, ("salary", "unit")),
    "skills": Column(skills, ("skills",)),
    "languages": Column(languages, ("languages",)),
    "visibility": Column(text, ("visibility",)),
}
COLUMNS: dict[Kind, dict[str, Column]] = {"vacancies": VACANCY, "resumes": RESUME}
PERSON = ("email", "fullName")
"""Beside a resume: whose it is, when it is not the caller's."""


def body_of(kind: Kind, cells: Mapping[str, str]) -> tuple[Body, list[tuple[str, str]]]:
    """The body that a row of cells makes, and what is wrong by column; empty cells say nothing."""
    body: Body = {}
    wrong = []
    for name, column in COLUMNS[kind].items():
        cell = cells.get(name, "").strip()
        if not cell:
            continue
        try:
            value = column.read(cell)
        except ValueError as error:
            wrong.append((name, str(error)))
            continue
        *outer, last = column.place
        inside = body
        for step in outer:
            inside = inside.setdefault(step, {})
        inside[last] = [*inside.get(last, ()), *value] if isinstance(value, list) else value
    return body, wrong


def column_of(kind: Kind, pointer: str, body: Body) -> str:
    """The column that a JSON pointer into the body (`#/salary/min`) came from, else the pointer."""
    path = pointer.removeprefix("#/").split("/")
    if path[0] == "requirements" and len(path) > 1 and path[1].isdecimal():
        asked = body["requirements"]
        place = int(path[1])
        nice = place < len(asked) and asked[place].get("kind") == "nice"
        return "niceToHave" if nice else "requirements"
    best = [
        name
        for name, column in COLUMNS[kind].items()
        if list(column.place) == path[: len(column.place)]
        or path == list(column.place[: len(path)])
    ]
    return best[0] if best else pointer
