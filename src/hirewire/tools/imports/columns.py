"""The columns of a table, and the member of the request body that each one fills."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from hirewire.written.amounts import currency_in, whole_amount

Kind = Literal["vacancies", "resumes"]
Body = dict[str, Any]
"""The body of a request, as far as the table provides it."""
_LEVEL = re.compile(r"^(.*\S)\s*:\s*([0-9]+)$")
_YES = frozenset({"yes", "y", "true", "1", "да", "истина", "+"})
_NO = frozenset({"no", "n", "false", "0", "нет", "ложь", "-"})
_DAY = re.compile(r"([0-9]{1,4})[./-]([0-9]{1,2})[./-]([0-9]{1,4})(?:[T ][0-9:.Z]*)?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how to parse its cells, and where the value goes."""

    read: Callable[[str], Any]
    """Raises `ValueError` with the reason if the cell is invalid."""
    place: tuple[str, ...]
    """The path in the body. Several columns may fill the same list, one after another."""


def text(cell: str) -> str:
    """The text unchanged."""
    return cell


def markup(cell: str) -> str:
    """HTML unchanged; plain text as paragraphs."""
    if re.search(r"<[a-zA-Z][^>]*>", cell):
        return cell
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", cell))
    return "".join(f"<p>{escape(p, quote=False)}</p>" for p in paragraphs if p)


def number(cell: str) -> int:
    """A whole number in any spreadsheet format: `120 000 ₽`, `2,800`, `100000,00`, `1.000,00`."""
    return whole_amount(cell)


def currency(cell: str) -> str:
    """A currency's code, sign or common name."""
    return currency_in(cell) or cell


def day(cell: str) -> str:
    """A day: `2027-12-31`, `31.12.2027`, `31/12/2027`, each optionally with a time of day."""
    found = _DAY.fullmatch(cell)
    if found is None:
        raise ValueError("must be a day such as 2027-12-31")
    first, second, third = found.groups()
    if len(first) == 4:
        parts = (first, second, third)
    elif "." in cell[:3] or int(first) > 12 or first == second:
        parts = (third, second, first)
    elif int(second) > 12:
        parts = (third, first, second)
    else:
        raise ValueError("must be a day such as 2027-12-31: day and month are ambiguous here")
    if len(parts[0]) != 4:
        raise ValueError("must be a day such as 2027-12-31, with a four-digit year")
    return "-".join(part.zfill(2) for part in parts)


def choice(**words: str) -> Callable[[str], str]:
    """A value as in the API, or one of its Russian names, which are separated by `|`."""
    known = {word: value for value, several in words.items() for word in several.split("|")}
    return lambda cell: known.get(_letters(cell), cell)


def choices(**words: str) -> Callable[[str], list[str]]:
    """Several of these values."""
    one = choice(**words)
    return lambda cell: [one(part) for part in parts(cell)]


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold().replace("ё", "е"))


def truth(cell: str) -> bool:
    """Yes or no."""
    word = cell.casefold()
    if word not in _YES | _NO:
        raise ValueError("must be yes or no")
    return word in _YES


def parts(cell: str) -> list[str]:
    """Several values, separated by semicolons."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def skills(cell: str) -> list[Body]:
    """Skills with optional levels: `Python:4; SQL`."""
    return [_with_level(part, "name") for part in parts(cell)]


def requirements(kind: Literal["must", "nice"]) -> Callable[[str], list[Body]]:
    """The same as requirements of a vacancy."""
    return lambda cell: [_with_level(part, "skill") | {"kind": kind} for part in parts(cell)]


def languages(cell: str) -> list[Body]:
    """Languages with optional levels: `English:B2; German`."""
    found = []
    for part in parts(cell):
        name, colon, level = part.rpartition(":")
        one = {"language": name.strip(), "level": level.strip()} if colon else {"language": part}
        found.append(one)
    return found


def _with_level(part: str, name: str) -> Body:
    found = _LEVEL.match(part)
    return {name: found[1], "level": int(found[2])} if found else {name: part}


EMPLOYMENT = {
    "FULL_TIME": "полная|полнаязанятость|полныйдень",
    "PART_TIME": "частичная|частичнаязанятость|неполныйдень",
    "CONTRACTOR": "подоговору|проектнаяработа|гпх",
    "TEMPORARY": "временная|временнаяработа",
    "INTERN": "стажировка",
    "VOLUNTEER": "волонтерство",
    "OTHER": "другое",
}
FORMATS = {
    "on_site": "вофисе|офис|наместеработодателя",
    "hybrid": "гибрид|гибридный",
    "remote": "удаленно|удаленнаяработа|удаленка",
}
EXPERIENCE = {
    "noExperience": "безопыта|нетопыта|нетребуется",
    "between1And3": "от1годадо3лет|13года|от1до3лет",
    "between3And6": "от3до6лет|36лет",
    "moreThan6": "более6лет|от6лет",
}
UNITS = {"MONTH": "месяц|вмесяц", "YEAR": "год|вгод", "DAY": "день|вдень", "HOUR": "час|вчас"}
VACANCY = {
    "title": Column(text, ("title",)),
    "description": Column(markup, ("description",)),
    "requirements": Column(requirements("must"), ("requirements",)),
    "niceToHave": Column(requirements("nice"), ("requirements",)),
    "experience": Column(choice(**EXPERIENCE), ("experience",)),
    "employmentType": Column(choice(**EMPLOYMENT), ("employmentType",)),
    "workFormat": Column(choice(**FORMATS), ("workFormat",)),
    "area": Column(text, ("area",)),
    "address": Column(text, ("address",)),
    "salaryMin": Column(number, ("salary", "min")),
    "salaryMax": Column(number, ("salary", "max")),
    "currency": Column(currency, ("salary", "currency")),
    "salaryUnit": Column(choice(**UNITS), ("salary", "unit")),
    "gross": Column(truth, ("salary", "gross")),
    "languages": Column(languages, ("languages",)),
    "validThrough": Column(day, ("validThrough",)),
    "responseLetterRequired": Column(truth, ("responseLetterRequired",)),
}
RESUME = {
    "title": Column(text, ("title",)),
    "summary": Column(text, ("summary",)),
    "area": Column(text, ("area",)),
    "relocation": Column(truth, ("relocation",)),
    "employmentTypes": Column(choices(**EMPLOYMENT), ("employmentTypes",)),
    "workFormats": Column(choices(**FORMATS), ("workFormats",)),
    "salary": Column(number, ("salary", "amount")),
    "currency": Column(currency, ("salary", "currency")),
    "salaryUnit": Column(choice(**UNITS), ("salary", "unit")),
    "skills": Column(skills, ("skills",)),
    "languages": Column(languages, ("languages",)),
    "visibility": Column(text, ("visibility",)),
}
COLUMNS: dict[Kind, dict[str, Column]] = {"vacancies": VACANCY, "resumes": RESUME}
PERSON = ("email", "fullName")
"""The columns that name a resume's owner, if that is not the caller."""
RUSSIAN: dict[str, str] = {
    "title": "должность|название|вакансия|названиевакансии|желаемаядолжность|профессия",
    "description": "описание|описаниевакансии|обязанности",
    "requirements": "требования",
    "niceToHave": "будетплюсом|желательно",
    "experience": "опыт|опытработы",
    "employmentType": "занятость|типзанятости",
    "employmentTypes": "занятость|типзанятости",
    "workFormat": "форматработы",
    "workFormats": "форматработы",
    "area": "город|регион|место",
    "address": "адрес",
    "salaryMin": "зарплатаот",
    "salaryMax": "зарплатадо",
    "salary": "зарплата|желаемаязарплата",
    "currency": "валюта",
    "salaryUnit": "периодоплаты|зарплатаза",
    "gross": "довычетаналогов",
    "languages": "языки",
    "validThrough": "действуетдо|открытадо|срок",
    "responseLetterRequired": "нужносопроводительноеписьмо|обязательносопроводительноеписьмо",
    "summary": "осебе",
    "relocation": "готовкпереезду|переезд",
    "skills": "навыки|ключевыенавыки",
    "visibility": "видимость|видимостьрезюме",
    "email": "почта|электроннаяпочта|элпочта|адресэлектроннойпочты",
    "fullName": "фио|имя|имяифамилия|фамилияимя",
}
"""Column names in Russian; lower case only."""


def heads(kind: Kind) -> dict[str, str]:
    """The columns by their normalized names."""
    known = [*COLUMNS[kind], *(PERSON if kind == "resumes" else ())]
    found = {name.casefold(): name for name in known}
    for name in known:
        found |= dict.fromkeys(RUSSIAN[name].split("|"), name)
    if kind == "vacancies":
        found["ключевыенавыки"] = found["навыки"] = "requirements"
    return found


def head_of(kind: Kind, written: str) -> str | None:
    """The column with this name in English or Russian."""
    return heads(kind).get(_letters(written))


def body_of(kind: Kind, cells: Mapping[str, str]) -> tuple[Body, list[tuple[str, str]]]:
    """The body made from a row of cells, and the errors by column; empty cells are left out."""
    body: Body = {}
    wrong = []
    signs: dict[str, str] = {}
    for name, column in COLUMNS[kind].items():
        cell = cells.get(name, "").strip()
        if not cell:
            continue
        try:
            value = column.read(cell)
        except ValueError as error:
            wrong.append((name, str(error)))
            continue
        if column.read is number and (sign := currency_in(cell)):
            signs[name] = sign
        *outer, last = column.place
        inside = body
        for step in outer:
            inside = inside.setdefault(step, {})
        inside[last] = [*inside.get(last, ()), *value] if isinstance(value, list) else value
    for name, sign in signs.items():
        if body["salary"].setdefault("currency", sign) != sign:
            wrong.append(
                (name, f"is in {sign}, but the other amount in {body['salary']['currency']}")
            )
    return body, wrong


def column_of(kind: Kind, pointer: str, body: Body) -> str:
    """The column for a JSON pointer into the body (`#/salary/min`), or the pointer if there is
    none.
    """
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
