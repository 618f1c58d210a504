"""JSON Resume 1.0.0 to our fields and back, losing nothing (https://jsonresume.org/schema).

What was imported is kept. An export takes it and writes over only what differs from what an import
of it would give: so fields that our model does not have come back as they were, and an edit changes
what was edited. Old keys of the 0.x schema (`work[].company`, `website`) are read, and written back
under the key they came with.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

Item = dict[str, Any]

CEFR = ("A1", "A2", "B1", "B2", "C1", "C2")
FLUENCIES = {"native": "native", "native speaker": "native", "mother tongue": "native"}
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


def resume_fields(document: Mapping[str, Any]) -> Item:
    """Our fields of a resume, from a JSON Resume (work and education apart)."""
    basics = document.get("basics") or {}
    return {
        "title": basics.get("label") or None,
        "summary": basics.get("summary") or None,
        "area": _area(basics) or None,
        "skills": _skills(document),
        "languages": [x for x in map(_language, document.get("languages") or ()) if x],
        "certificates": [x for x in map(_certificate, document.get("certificates") or ()) if x],
        "links": [x for x in map(_link, basics.get("profiles") or ()) if x],
    }


def experience_fields(work: Mapping[str, Any]) -> Item:
    """Our fields of an experience, from an entry of `work`."""
    return {
        "company": _first(work, "name", "company"),
        "position": work.get("position") or None,
        "start": work.get("startDate") or None,
        "end": work.get("endDate") or None,
        "description": work.get("summary") or None,
    }


def education_fields(entry: Mapping[str, Any]) -> Item:
    """Our fields of an education, from an entry of `education`."""
    return {
        "organization": entry.get("institution") or None,
        "level": entry.get("studyType") or None,
        "field": entry.get("area") or None,
        "start_year": _year(entry.get("startDate")),
        "end_year": _year(entry.get("endDate")),
    }


def without_items(document: Mapping[str, Any]) -> Item:
    """The document with empty lists where items stood; those are kept with the items."""
    kept = dict(document)
    for name in ("work", "education"):
        if kept.get(name):
            kept[name] = []
    return kept


def export(
    resume: Mapping[str, Any], experience: Sequence[Item], education: Sequence[Item]
) -> Item:
    """The JSON Resume of a resume as it is now."""
    document = deepcopy(dict(resume.get("imported") or {}))
    before = resume_fields(document)
    basics = _Basics(document)
    for field, key in (("title", "label"), ("summary", "summary")):
        if resume[field] != before[field]:
            basics.put(key, resume[field])
    if resume["area"] != before["area"]:
        basics.put_location(resume["area"])
    if list(resume["links"]) != before["links"]:
        old = basics.value.get("profiles") or []
        basics.put("profiles", _merged(old, resume["links"], _link, "url", _write_link))
    if list(resume["skills"]) != before["skills"]:
        document["skills"] = _merged_skills(document.get("skills") or [], resume["skills"])
    for name, read, identity, write in (
        ("languages", _language, "language", _write_language),
        ("certificates", _certificate, "name", _write_certificate),
    ):
        if list(resume[name]) != before[name]:
            document[name] = _merged(document.get(name) or [], resume[name], read, identity, write)
    if experience:
        document["work"] = [_work(item) for item in experience]
    if education:
        document["education"] = [_education(item) for item in education]
    return document


class _Basics:
    """`basics` of a document, made only when something is put into it."""

    def __init__(self, document: Item) -> None:
        self._document = document

    @property
    def value(self) -> Item:
        found: Item = self._document.get("basics") or {}
        return found

    def put(self, key: str, value: Any) -> None:
        basics = self._document.get("basics")
        if not isinstance(basics, dict):
            basics = self._document["basics"] = {}
        _put(basics, key, value)

    def put_location(self, area: str | None) -> None:
        location = dict(self.value.get("location") or {})
        _put(location, "city", area)
        if area is None:
            _put(location, "region", None)
        self.put("location", location or None)


def _work(item: Item) -> Item:
    entry = deepcopy(item.get("imported") or {})
    before = experience_fields(entry)
    keys = {
        "company": "company" if "company" in entry and "name" not in entry else "name",
        "position": "position",
        "start": "startDate",
        "end": "endDate",
        "description": "summary",
    }
    for field, key in keys.items():
        if item[field] != before[field]:
            _put(entry, key, item[field])
    return entry


def _education(item: Item) -> Item:
    entry = deepcopy(item.get("imported") or {})
    before = education_fields(entry)
    for field, key in (
        ("organization", "institution"),
        ("level", "studyType"),
        ("field", "area"),
        ("start_year", "startDate"),
        ("end_year", "endDate"),
    ):
        if item[field] != before[field]:
            value = item[field]
            _put(entry, key, f"{value:04d}" if isinstance(value, int) else value)
    return entry


def _merged(
    old: Sequence[Item],
    wanted: Sequence[Item],
    read: Callable[[Item], Item | None],
    identity: str,
    write: Callable[[Item, Item], None],
) -> list[Item]:
    """`wanted` as entries: an old one that says the same as it was, one of the same name written
    over, else a new one. Entries that our model cannot hold are kept, at the end.
    """
    known = [(entry, mapped) for entry in old if (mapped := read(entry)) is not None]
    result = []
    for item in wanted:
        same = next((pair for pair in known if pair[1] == item), None)
        near = same or next((p for p in known if p[1][identity] == item[identity]), None)
        entry = deepcopy(near[0]) if near else {}
        if near:
            known.remove(near)
        if same is None:
            write(entry, item)
        result.append(entry)
    return result + [deepcopy(entry) for entry in old if read(entry) is None]


def _merged_skills(old: Sequence[Item], wanted: Sequence[Item]) -> list[Item]:
    """Groups lose the keywords that are not wanted any more; what is new becomes an entry."""
    left = [dict(skill) for skill in wanted]
    result = []
    for entry in old:
        mine = _entry_skills(entry)
        kept = [skill for skill in mine if skill in left]
        for skill in kept:
            left.remove(skill)
        if len(kept) == len(mine):
            result.append(deepcopy(entry))
        elif kept:
            names = {skill["name"] for skill in kept}
            group = deepcopy(entry)
            group["keywords"] = [k for k in entry.get("keywords") or () if _clean(k) in names]
            result.append(group)
    for skill in left:
        entry = {"name": skill["name"]}
        if skill.get("level"):
            entry["level"] = _level_word(skill["level"])
        result.append(entry)
    return result


def _skills(document: Mapping[str, Any]) -> list[Item]:
    found: list[Item] = []
    for entry in document.get("skills") or ():
        found += [skill for skill in _entry_skills(entry) if skill not in found]
    return found


def _entry_skills(entry: Mapping[str, Any]) -> list[Item]:
    """An entry with keywords is a group, and they are the skills; without, it is one itself."""
    level = LEVELS.get(str(entry.get("level") or "").strip().lower())
    names = [k for k in entry.get("keywords") or () if _clean(k)] or [entry.get("name") or ""]
    return [{"name": _clean(name), "level": level} for name in names if _clean(name)]


def _language(entry: Mapping[str, Any]) -> Item | None:
    if not entry.get("language"):
        return None
    fluency = str(entry.get("fluency") or "").strip()
    code = fluency[:2].upper()
    level = FLUENCIES.get(fluency.lower()) or (code if code in CEFR else None)
    return {"language": entry["language"], "level": level}


def _write_language(entry: Item, item: Item) -> None:
    entry["language"] = item["language"]
    _put(entry, "fluency", item.get("level"))


def _certificate(entry: Mapping[str, Any]) -> Item | None:
    if not entry.get("name"):
        return None
    return {name: entry.get(name) or None for name in ("name", "issuer", "date", "url")}


def _write_certificate(entry: Item, item: Item) -> None:
    for name in ("name", "issuer", "date", "url"):
        _put(entry, name, item.get(name))


def _link(entry: Mapping[str, Any]) -> Item | None:
    if not entry.get("url"):
        return None
    return {"url": entry["url"], "label": entry.get("network") or None}


def _write_link(entry: Item, item: Item) -> None:
    entry["url"] = item["url"]
    _put(entry, "network", item.get("label"))


def _area(basics: Mapping[str, Any]) -> str | None:
    location = basics.get("location") or {}
    return _first(location, "city", "region")


def _first(entry: Mapping[str, Any], *keys: str) -> str | None:
    return next((entry[key] for key in keys if entry.get(key)), None)


def _year(text: str | None) -> int | None:
    return int(text[:4]) if text else None


def _level_word(level: int) -> str:
    return {1: "Beginner", 2: "Elementary", 3: "Intermediate", 4: "Advanced", 5: "Expert"}[level]


def _clean(text: str) -> str:
    return text.strip()[:200]


def _put(entry: Item, key: str, value: Any) -> None:
    if value is None:
        entry.pop(key, None)
    else:
        entry[key] = value
