"""Lossless export of a resume as JSON Resume 1.0.0.

An imported document is stored as it is. An export starts from it and overwrites only the fields
whose value differs from a new import of the document. So members that our model lacks survive, and
an edit changes only what was edited. Members of the 0.x schema (`work[].company`, `website`) keep
their old keys.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from hirewire.profiles.content import Position, Study
from hirewire.profiles.reading import MOST_FEW, Part
from hirewire.profiles.resumes import jsonresume
from hirewire.profiles.resumes.jsonresume import Item

Keys = tuple[tuple[str, str], ...]
LINK: Keys = (("url", "url"), ("label", "network"))
LANGUAGE: Keys = (("language", "language"), ("level", "fluency"))
CERTIFICATE: Keys = tuple((name, name) for name in ("name", "issuer", "date", "url"))
PROJECT: Keys = (
    *(("name", "name"), ("url", "url"), ("start", "startDate"), ("end", "endDate")),
    *(("description", "description"), ("highlights", "highlights")),
)
WORK: Keys = (
    *(("company", "name"), ("position", "position"), ("start", "startDate"), ("end", "endDate")),
    *(("description", "summary"), ("highlights", "highlights")),
)
EDUCATION: Keys = (
    *(("organization", "institution"), ("level", "studyType"), ("field", "area")),
    *(("start_year", "startDate"), ("end_year", "endDate")),
)
"""Our field names and the keys in the document. The first pair identifies an entry."""
LEVEL_WORDS = {1: "Beginner", 2: "Elementary", 3: "Intermediate", 4: "Advanced", 5: "Expert"}


def without_items(document: Mapping[str, Any]) -> Item:
    """The document with null in place of each item that is stored in a row of its own.

    Other nulls in these lists are removed.
    """
    kept = dict(document)
    for name in ("work", "education"):
        if isinstance(kept.get(name), list):
            taken = {part.pointer for part in jsonresume.items(document, name)}
            kept[name] = [
                None if f"#/{name}/{nth}" in taken else entry
                for nth, entry in enumerate(kept[name])
                if entry is not None
            ]
    return kept


def export(
    resume: Mapping[str, Any], experience: Sequence[Position], education: Sequence[Study]
) -> Item:
    """The JSON Resume of the current resume."""
    document = deepcopy(dict(resume.get("imported") or {}))
    before = jsonresume.resume_fields(document)
    basics = _Basics(document)
    for field, key in (("title", "label"), ("summary", "summary")):
        if resume[field] != before[field]:
            basics.put(key, resume[field])
    if resume["area"] != before["area"]:
        basics.put_location(resume["area"])
    if list(resume["links"]) != before["links"]:
        old = basics.value.get("profiles")
        basics.put("profiles", _merged(old, resume["links"], jsonresume.link, MOST_FEW, LINK))
    if list(resume["skills"]) != before["skills"]:
        document["skills"] = _merged_skills(document, resume["skills"])
    for name, read, most, keys in (
        ("languages", jsonresume.language, MOST_FEW, LANGUAGE),
        ("certificates", jsonresume.certificate, jsonresume.MOST_CERTIFICATES, CERTIFICATE),
        ("projects", jsonresume.project, MOST_FEW, PROJECT),
    ):
        if list(resume[name]) != before[name]:
            document[name] = _merged(document.get(name), resume[name], read, most, keys)
    _put_items(document, "work", [_work(item) for item in experience])
    _put_items(document, "education", [_education(item) for item in education])
    return document


def _put_items(document: Item, name: str, entries: list[Item]) -> None:
    """Put entries back in their old positions and new ones at the end; other values stay."""
    old = document.get(name)
    if not isinstance(old, list):
        if entries:
            document[name] = entries
        return
    left = iter(entries)
    filled = [next(left, None) if entry is None else entry for entry in old]
    document[name] = [entry for entry in filled if entry is not None] + list(left)


class _Basics:
    """The `basics` of a document, created when the first value is put into it."""

    def __init__(self, document: Item) -> None:
        self._document = document

    @property
    def value(self) -> Item:
        basics = self._document.get("basics")
        return basics if isinstance(basics, dict) else {}

    def put(self, key: str, value: Any) -> None:
        basics = self._document.get("basics")
        if not isinstance(basics, dict):
            basics = self._document["basics"] = {}
        _put(basics, key, value)

    def put_location(self, area: str | None) -> None:
        before = self.value.get("location")
        location = dict(before) if isinstance(before, dict) else {}
        _put(location, "city", area)
        if area is None:
            _put(location, "region", None)
        self.put("location", location or None)


def _work(item: Position) -> Item:
    entry = deepcopy(dict(item.get("imported") or {}))
    is_old = "company" in entry and "name" not in entry
    keys = (("company", "company" if is_old else "name"), *WORK[1:])
    _write_over(entry, item, jsonresume.experience_fields, keys)
    return entry


def _education(item: Study) -> Item:
    entry = deepcopy(dict(item.get("imported") or {}))
    _write_over(entry, item, jsonresume.education_fields, EDUCATION)
    return entry


def _write_over(
    entry: Item, item: Mapping[str, Any], read: Callable[[Part], Item | None], keys: Keys
) -> None:
    """Overwrite the keys of an entry whose value differs from the item's."""
    before = read(Part(entry)) or {}
    for name, key in keys:
        value = item.get(name)
        if value != before.get(name):
            _put(entry, key, f"{value:04d}" if isinstance(value, int) else value or None)


def _merged(
    old: Any,
    new: Sequence[Item],
    read: Callable[[Part], Item | None],
    most: int,
    keys: Keys,
) -> list[Any]:
    """Entries for the new items: an equal old entry, an updated one of the same name, or a new one.

    Old entries that our model cannot represent follow at the end.
    """
    identity = keys[0][0]
    known: list[tuple[Any, Item]] = []
    kept = []
    for entry in old if isinstance(old, list) else []:
        mapped = jsonresume.listed(Part([entry]), read, 1, keys[0][1])
        if mapped and len(known) < most:
            known.append((entry, mapped[0]))
        else:
            kept.append(deepcopy(entry))
    result = []
    for item in new:
        same = next((pair for pair in known if pair[1] == item), None)
        near = same or next((p for p in known if p[1][identity] == item[identity]), None)
        entry = deepcopy(near[0]) if near else {}
        if near:
            known.remove(near)
        if same is None:
            entry = entry if isinstance(entry, dict) else {}
            _write_over(entry, item, read, keys)
        result.append(entry)
    return result + kept


def _merged_skills(document: Item, new: Sequence[Item]) -> list[Any]:
    """The `skills` of the document: without deleted skills, and with an entry for each new one."""
    part = Part(document).at("skills")
    old = jsonresume.all_skills(part)
    staying = {_key(skill) for skill in (*new, *old[jsonresume.MOST_SKILLS :])}
    known = {_key(skill) for skill in old}
    result: list[Any] = []
    for raw in part.value if isinstance(part.value, list) else []:
        entries = Part([raw]).each(1, named="name")
        mine = [skill for entry in entries for skill in jsonresume.entry_skills(entry)]
        kept = [skill["name"] for skill in mine if _key(skill) in staying]
        if len(kept) == len(mine):
            result.append(deepcopy(raw))
        elif kept:
            keywords = raw["keywords"] if isinstance(raw["keywords"], list) else kept
            names = set(kept)
            result.append(raw | {"keywords": [k for k in keywords if Part(k).line() in names]})
    for skill in new:
        if _key(skill) not in known:
            entry = {"name": skill["name"]}
            if skill.get("level"):
                entry["level"] = LEVEL_WORDS[skill["level"]]
            result.append(entry)
    return result


def _key(skill: Mapping[str, Any]) -> tuple[str, int | None]:
    return skill["name"], skill.get("level")


def _put(entry: Item, key: str, value: Any) -> None:
    if value is None:
        entry.pop(key, None)
    else:
        entry[key] = value
