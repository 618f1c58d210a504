"""Converts the forms of a resume to request bodies: its blocks, and the items of its lists."""

from fastapi import Request
from pydantic import JsonValue

from hirewire.web.api.profiles import ItemKind
from hirewire.web.pages import reading
from hirewire.web.pages.rendering import rows

BLOCKS: dict[str, tuple[str, ...]] = {
    "position": ("title", "area", "relocation", "workFormats", "employmentTypes", "salary"),
    "skills": ("skills",),
    "about": ("summary",),
    "languages": ("languages",),
    "projects": ("projects",),
    "certificates": ("certificates", "links"),
    "visibility": ("visibility", "hiddenFrom", "linkShows"),
}
"""The blocks of a resume's page that have a form, and the fields that each form changes."""
ITEMS: dict[ItemKind, tuple[str, ...]] = {
    "experience": ("position", "company", "start", "end", "description", "highlights"),
    "education": ("organization", "field", "level", "startYear", "endYear"),
}
"""The form fields of each item; the first one is required in a new item."""
MATCHED = (
    *("title", "area", "relocation", "skills", "workFormats", "employmentTypes"),
    *("salary", "languages"),
)
"""The fields of a resume that affect matching."""
PROJECT = ("name", "url", "start", "end", "description", "highlights")
CERTIFICATE = ("name", "issuer", "date", "url")
ROWS: dict[str, tuple[str, ...]] = {
    "skills": ("skill",),
    "languages": ("language",),
    "projects": tuple(f"project{name.title()}" for name in PROJECT),
    "certificates": tuple(f"certificate{name.title()}" for name in CERTIFICATE),
    "links": ("linkUrl", "linkLabel"),
}
"""The lists whose entries are rows of a form; a row with none of these form fields is no entry."""
TEXTS = ("title", "summary", "area", "visibility")


async def blocks_in(request: Request) -> tuple[str, ...]:
    """The blocks that a form names; all of them if it names none."""
    named = [one for one in (await request.form()).getlist("block") if isinstance(one, str)]
    return tuple(one for one in BLOCKS if one in named) if named else tuple(BLOCKS)


async def resume_body(
    request: Request, given: dict[str, str], blocks: tuple[str, ...]
) -> dict[str, JsonValue]:
    """The request body with the fields of these blocks."""
    body = await _whole_body(request, given)
    sent = {name for block in blocks for name in BLOCKS[block]}
    return {name: value for name, value in body.items() if name in sent}


def block_of(pointer: str) -> str:
    """The block that contains the field of an error; "" if there is none."""
    field = pointer.split("/")[0]
    return next((name for name, fields in BLOCKS.items() if field in fields), "")


def item_body(kind: ItemKind, given: dict[str, str]) -> dict[str, JsonValue]:
    """The request body of an item."""
    body: dict[str, JsonValue] = {name: given.get(name) or None for name in ITEMS[kind]}
    if kind == "experience":
        body["highlights"] = _lines(given.get("highlights", ""))
        body["start"] = reading.date(given.get("start"))
        body["end"] = reading.end(given.get("end"))
    else:
        for name in ("startYear", "endYear"):
            body[name] = reading.year(given.get(name))
    return body


async def _whole_body(request: Request, given: dict[str, str]) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {name: given.get(name) or None for name in TEXTS}
    body["relocation"] = "relocation" in given
    form = await request.form()
    for name in ("employmentTypes", "workFormats", "hiddenFrom", "linkShows"):
        body[name] = texts(form.getlist(name))
    body["visibility"] = body["visibility"] or "recommended"
    body["skills"] = [
        {"name": row["skill"], "level": int(row["level"]) if row["level"].isdecimal() else None}
        for row in await rows(request, "skill", "level")
    ]
    body["languages"] = [
        {"language": row["language"], "level": row["languageLevel"] or None}
        for row in await rows(request, "language", "languageLevel")
    ]
    body |= await _lists(request, set(form))
    typed_in = given.get("salaryAmount", "")
    body["salary"] = None
    if typed_in:
        body["salary"] = {
            "amount": reading.amount(typed_in),
            "currency": reading.currency(given.get("salaryCurrency", ""), typed_in),
            "unit": given.get("salaryUnit") or "MONTH",
        }
    return body


async def _lists(request: Request, sent: set[str]) -> dict[str, JsonValue]:
    """The lists that have several fields per row. A list that the form lacks is left out."""
    body: dict[str, JsonValue] = {}
    if "certificateName" in sent:
        names = ROWS["certificates"]
        body["certificates"] = [
            {name: row[field] or None for name, field in zip(CERTIFICATE, names, strict=True)}
            for row in await rows(request, *names, written=len(names))
        ]
    if "linkUrl" in sent:
        body["links"] = [
            {"url": row["linkUrl"], "label": row["linkLabel"] or None}
            for row in await rows(request, *ROWS["links"], written=2)
        ]
    if "projectName" in sent:
        names = ROWS["projects"]
        body["projects"] = [
            _project(row) for row in await rows(request, *names, written=len(names))
        ]
    return body


def _project(row: dict[str, str]) -> dict[str, JsonValue]:
    return {
        "name": row["projectName"] or None,
        "url": row["projectUrl"] or None,
        "start": reading.date(row["projectStart"]),
        "end": reading.end(row["projectEnd"]),
        "description": row["projectDescription"] or None,
        "highlights": _lines(row["projectHighlights"]),
    }


def texts(listed: object) -> list[JsonValue]:
    """The texts in a list of form values; these forms have no files."""
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _lines(typed_in: str) -> list[JsonValue]:
    """The non-empty lines of a text."""
    return [line.strip() for line in typed_in.splitlines() if line.strip()]
