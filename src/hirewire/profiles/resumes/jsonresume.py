"""Import of JSON Resume 1.0.0 (https://jsonresume.org/schema); `exports` is the reverse.

Keys of the 0.x schema (`work[].company`) are read too. A change to the import needs a migration
that imports all stored documents again (0004): an export detects an edit by comparing the stored
fields with a new import of the document.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hirewire.profiles.reading import LONGEST_HIGHLIGHT, MOST_FEW, MOST_ITEMS, Part, period
from hirewire.profiles.sections import more
from hirewire.written.languages import level_of

Item = dict[str, Any]
"""An object of a JSON Resume, or our fields of one: it may have any members."""

MOST_SKILLS, MOST_CERTIFICATES = 200, 100
OWN = (
    *("$schema", "basics", "work", "volunteer", "education", "awards", "certificates"),
    *("publications", "skills", "languages", "interests", "references", "projects", "meta"),
)
"""The members of a JSON Resume."""
SECTIONS = ("basics", "work", "volunteer", "education")
"""The members that only a resume has. Others, such as skills, occur in job descriptions too."""
LEVELS = {
    "beginner": 1,
    "novice": 1,
    "elementary": 2,
    "intermediate": 3,
    "advanced": 4,
    "proficient": 4,
    "expert": 5,
    "master": 5,
}


def is_resume(document: Mapping[str, Any]) -> bool:
    """Whether the document has any content of a resume."""

    def has(name: str) -> bool:
        value = document.get(name)
        if isinstance(value, list):
            return any(isinstance(entry, Mapping) and any(entry.values()) for entry in value)
        return name == "basics" and isinstance(value, Mapping) and any(value.values())

    if any(has(name) for name in SECTIONS):
        return True
    is_own = set(document) <= set(OWN)
    return is_own and any((*resume_fields(document).values(), more(document)))


def resume_fields(document: Mapping[str, Any], whole: Part | None = None) -> Item:
    """Our fields of a resume from a JSON Resume, without work and education.

    `whole` is the document as a part; it collects the values that cannot be read.
    """
    whole = whole or Part(document)
    basics = whole.at("basics").object()
    return {
        "title": basics.at("label").line(),
        "summary": basics.at("summary").text(),
        "area": _area(basics),
        "skills": all_skills(whole.at("skills"))[:MOST_SKILLS],
        "languages": listed(whole.at("languages"), language, MOST_FEW, "language"),
        "certificates": listed(whole.at("certificates"), certificate, MOST_CERTIFICATES, "name"),
        "links": listed(basics.at("profiles"), link, MOST_FEW, "url"),
        "projects": listed(whole.at("projects"), project, MOST_FEW, "name"),
    }


def experience_fields(entry: Part) -> Item:
    """Our fields of a work experience from an entry of `work`."""
    start, end = period(entry)
    return {
        "company": entry.at("name").line() or entry.at("company").line(),
        "position": entry.at("position").line(),
        "start": start,
        "end": end,
        "description": entry.at("summary").text(),
        "highlights": entry.at("highlights").lines(MOST_FEW, LONGEST_HIGHLIGHT),
    }


def education_fields(entry: Part) -> Item:
    """Our fields of an education from an entry of `education`."""
    start, end = (int(date[:4]) if date else None for date in period(entry))
    return {
        "organization": entry.at("institution").line(),
        "level": entry.at("studyType").line(),
        "field": entry.at("area").line(),
        "start_year": start,
        "end_year": end,
    }


def items(document: Mapping[str, Any], name: str, whole: Part | None = None) -> list[Part]:
    """The entries of `work` or `education` that are stored in rows of their own."""
    return list((whole or Part(document)).at(name).each(MOST_ITEMS))


def all_skills(skills: Part) -> list[Item]:
    """All skills of the document in order, each once, including those over the limit."""
    by_name: dict[tuple[str, int | None], Item] = {}
    for entry in skills.each(10 * MOST_SKILLS, named="name"):
        for skill in entry_skills(entry):
            by_name.setdefault((skill["name"], skill["level"]), skill)
    if len(by_name) > MOST_SKILLS:
        skills.report_rest(MOST_SKILLS)
    return list(by_name.values())


def entry_skills(entry: Part) -> list[Item]:
    """The skills of an entry: its keywords, or the entry itself if it has none."""
    member = entry.at("level")
    word = (member.line(100) or "").lower()
    level = LEVELS.get(word)
    if word and level is None:
        member.report("is not one of the levels Beginner to Expert", "unknown_level")
    names = entry.at("keywords").lines(10 * MOST_SKILLS, 200) or [entry.at("name").line() or ""]
    return [{"name": name, "level": level} for name in names if name]


def listed(entries: Part, read: Callable[[Part], Item | None], most: int, named: str) -> list[Item]:
    """The readable entries of a list, at most `most`. A bare text is read as the member `named`."""
    fields = (read(entry) for entry in entries.each(most, named=named))
    return [item for item in fields if item is not None]


def language(entry: Part) -> Item | None:
    """A language from an entry of `languages`; None without a name."""
    name = entry.at("language").line()
    return {"language": name, "level": _fluency(entry.at("fluency"))} if name else None


def name_levels(document: Mapping[str, Any]) -> None:
    """Write the levels of the languages as `A1` to `C2` or `native`; those unknown are left out."""
    for entry in Part(document).at("languages").each(MOST_FEW):
        level = _fluency(entry.at("fluency"))
        entry.value.pop("fluency", None)
        if level is not None:
            entry.value["fluency"] = level


def _fluency(part: Part) -> str | None:
    text = part.line()
    level = level_of(text) if text is not None else None
    if text is not None and level is None:
        part.report("is none of the levels A1 to C2 or native", "unknown_level")
    return level


def certificate(entry: Part) -> Item | None:
    """A certificate from an entry of `certificates`; None without a name."""
    name = entry.at("name").line()
    if name is None:
        return None
    return {
        "name": name,
        "issuer": entry.at("issuer").line(),
        "date": entry.at("date").line(),
        "url": entry.at("url").link(),
    }


def project(entry: Part) -> Item | None:
    """A project from an entry of `projects`; None without a name."""
    name = entry.at("name").line()
    if name is None:
        return None
    start, end = period(entry)
    return {
        "name": name,
        "url": entry.at("url").link(),
        "start": start,
        "end": end,
        "description": entry.at("description").text(),
        "highlights": entry.at("highlights").lines(MOST_FEW, LONGEST_HIGHLIGHT),
    }


def link(entry: Part) -> Item | None:
    """A link from an entry of `basics.profiles`; None without a URL."""
    url = entry.at("url").link()
    return {"url": url, "label": entry.at("network").line()} if url else None


def _area(basics: Part) -> str | None:
    location = basics.at("location")
    if isinstance(location.value, str):
        return location.line()
    location = location.object()
    return location.at("city").line() or location.at("region").line()
