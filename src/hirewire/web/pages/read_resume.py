"""The page on which a resume that was read of a file is checked, and what its form sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fastapi import Request
from pydantic import JsonValue, TypeAdapter

from hirewire.web.api.models.profiles import ReadResume, Source
from hirewire.web.pages import reading
from hirewire.web.pages.checking import Value, sent_again, value_of, wrong_at
from hirewire.web.pages.rendering import form_of, numbered_rows
from hirewire.web.problems import Problem

BASICS = ("label", "name", "email", "phone", "city", "summary")
WORK = ("position", "company", "start", "end", "description", "highlights")
EDUCATION = ("organization", "field", "startYear", "endYear")
LANGUAGE = ("language", "fluency")
LISTS = ("/work/", "/education/", "/languages/")
_SOURCES = TypeAdapter(dict[str, Source])

Row = dict[str, Value]
NO_ERRORS: Mapping[str, Problem] = MappingProxyType({})


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
    sources: str
    """All of them, as the form sends them again."""
    is_wrong: bool


def draft_of(read: ReadResume, errors: Mapping[str, Problem] = NO_ERRORS) -> Draft:
    """The fields of the form, from a JSON Resume; errors by the path in it."""
    document = read.document

    def made(text: str, at: str, source: Source | None) -> Value:
        line, page = (source.text, source.page) if source is not None else ("", 1)
        return value_of(text, line, page, wrong_at(errors, at))

    def value(holder: Mapping[str, JsonValue], name: str, at: str) -> Value:
        found = holder.get(name)
        if isinstance(found, list):
            found = "\n".join(one for one in found if isinstance(one, str))
        pointer = f"{at}/{name}"
        return made(found if isinstance(found, str) else "", pointer, read.sources.get(pointer))

    def each(name: str, members: Mapping[str, str]) -> list[Row]:
        return [
            {field: value(one, member, f"/{name}/{n}") for field, member in members.items()}
            for n, one in enumerate(_objects(document.get(name)))
        ]

    def lines(holder: Mapping[str, JsonValue], name: str, member: str, at: str) -> Value:
        found = [value(one, member, "").value for one in _objects(holder.get(name))]
        source = read.sources.get(f"{at}/{name}/0/{member}")
        return made("\n".join(found), f"{at}/{name}", source)

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
        sources=_SOURCES.dump_json(dict(read.sources)).decode(),
        is_wrong=bool(errors),
    )


async def read_of(request: Request, given: Mapping[str, str]) -> ReadResume:
    """The JSON Resume that the form means, and its sources. Empty fields are left out, and entries
    that are to be.
    """
    sent = sent_again(given.get("sources", ""), _SOURCES)
    sources = {at: one for at, one in sent.items() if not at.startswith(LISTS)}

    async def entries(section: str, names: Sequence[str]) -> list[dict[str, str]]:
        out = (await form_of(request)).getlist(f"{section}-removed")
        kept = await numbered_rows(request, *names, written=len(names))
        found = [(n, row) for n, row in kept.items() if str(n) not in out]
        for nth, (n, _) in enumerate(found):
            start = f"/{section}/{n}/"
            for at in (one for one in sent if one.startswith(start)):
                sources[f"/{section}/{nth}/{at.removeprefix(start)}"] = sent[at]
        return [row for _, row in found]

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
        for row in await entries("work", WORK)
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
        for row in await entries("education", EDUCATION)
    ]
    languages: list[JsonValue] = [_filled({**r}) for r in await entries("languages", LANGUAGE)]
    document = _filled(
        {
            "basics": _filled(basics),
            "work": work,
            "education": education,
            "languages": languages,
            "skills": _listed(given, "skills", "name"),
            "certificates": _listed(given, "certificates", "name"),
        }
    )
    return ReadResume(document=document, sources=sources)


def _listed(given: Mapping[str, str], name: str, member: str) -> list[JsonValue]:
    lines = (line.strip() for line in given.get(name, "").splitlines())
    return [{member: line} for line in lines if line]


def _filled(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in values.items() if value}


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _objects(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
