"""The page on which a resume that was read of a file is checked, and what its form sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from pydantic import JsonValue

from hirewire.web.api.models.profiles import ReadResume, Source
from hirewire.web.pages import reading
from hirewire.web.pages.rendering import rows

BASICS = ("label", "name", "email", "phone", "city", "summary")
WORK = ("position", "company", "start", "end", "description", "highlights")
EDUCATION = ("organization", "field", "startYear", "endYear")
LANGUAGE = ("language", "fluency")


@dataclass(frozen=True, slots=True)
class Value:
    """A field of the form, and where its value was read; None if it was not."""

    value: str
    source: Source | None = None


Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Draft:
    """The form's fields."""

    basics: Row
    work: Sequence[Row]
    education: Sequence[Row]
    languages: Sequence[Row]
    skills: Value
    links: Value
    certificates: Value


def draft_of(read: ReadResume) -> Draft:
    """The fields of the form, from a JSON Resume."""
    document = read.document

    def value(holder: Mapping[str, JsonValue], name: str, at: str) -> Value:
        found = holder.get(name)
        if isinstance(found, list):
            found = "\n".join(one for one in found if isinstance(one, str))
        return Value(found if isinstance(found, str) else "", read.sources.get(f"{at}/{name}"))

    def each(name: str, members: Mapping[str, str]) -> list[Row]:
        return [
            {field: value(one, member, f"/{name}/{n}") for field, member in members.items()}
            for n, one in enumerate(_objects(document.get(name)))
        ]

    def lines(holder: Mapping[str, JsonValue], name: str, member: str, at: str) -> Value:
        found = [value(one, member, "").value for one in _objects(holder.get(name))]
        return Value("\n".join(found), read.sources.get(f"{at}/{name}/0/{member}"))

    basics = _object(document.get("basics"))
    top = {name: value(basics, name, "/basics") for name in BASICS}
    top["city"] = value(_object(basics.get("location")), "city", "/basics/location")
    members = ("position", "name", "startDate", "endDate", "summary", "highlights")
    studies = ("institution", "area", "startDate", "endDate")
    return Draft(
        basics=top,
        work=each("work", dict(zip(WORK, members, strict=True))),
        education=each("education", dict(zip(EDUCATION, studies, strict=True))),
        languages=each("languages", {name: name for name in LANGUAGE}),
        skills=lines(document, "skills", "name", ""),
        links=lines(basics, "profiles", "url", "/basics"),
        certificates=lines(document, "certificates", "name", ""),
    )


async def document_of(request: Request, given: Mapping[str, str]) -> dict[str, JsonValue]:
    """The JSON Resume that the form means; empty fields are left out."""
    basics: dict[str, JsonValue] = {name: given.get(name) for name in BASICS if name != "city"}
    basics["location"] = _filled({"city": given.get("city")})
    basics["profiles"] = _listed(given, "links", "url")
    work: list[JsonValue] = [
        _filled(
            {
                "position": row["position"],
                "name": row["company"],
                "startDate": reading.date(row["start"]),
                "endDate": reading.end(row["end"]),
                "summary": row["description"],
                "highlights": [line for line in row["highlights"].splitlines() if line.strip()],
            }
        )
        for row in await rows(request, *WORK, written=len(WORK))
    ]
    education: list[JsonValue] = [
        _filled(
            {
                "institution": row["organization"],
                "area": row["field"],
                "startDate": reading.date(row["startYear"]),
                "endDate": reading.end(row["endYear"]),
            }
        )
        for row in await rows(request, *EDUCATION, written=len(EDUCATION))
    ]
    languages: list[JsonValue] = [_filled({**row}) for row in await rows(request, *LANGUAGE)]
    return _filled(
        {
            "basics": _filled(basics),
            "work": work,
            "education": education,
            "languages": languages,
            "skills": _listed(given, "skills", "name"),
            "certificates": _listed(given, "certificates", "name"),
        }
    )


def _listed(given: Mapping[str, str], name: str, member: str) -> list[JsonValue]:
    lines = (line.strip() for line in given.get(name, "").splitlines())
    return [{member: line} for line in lines if line]


def _filled(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in values.items() if value}


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _objects(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
