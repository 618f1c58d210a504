"""Converts a vacancy's row and a resume's snapshot to documents of the index."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import unescape
from typing import Any

import nh3

from hirewire.esco import dictionary, key_of
from hirewire.esco.job_codes import unit_group
from hirewire.esco.job_titles import occupations_of
from hirewire.places.gazetteer import place_key, spellings
from hirewire.places.keys import where
from hirewire.vacancies.pay import A_MONTH
from hirewire.vacancies.search.rules import plain

Document = dict[str, str | int | list[str]]
"""Values by field name of the index."""

_BLOCK = re.compile(r"<(?:/?(?:p|ul|ol|li|h3|h4|blockquote)|br)[^>]*>")
_SPACE = re.compile(r"\s+")
MOST_PAID = 10**12


def text_of(html: str | None) -> str:
    """The text of sanitised HTML, with line breaks and runs of space as one space."""
    if not html:
        return ""
    if "<" in html or "&" in html:
        html = unescape(nh3.clean(_BLOCK.sub(" ", html), tags=set()))
    return _SPACE.sub(" ", html).strip()


@dataclass(frozen=True, slots=True)
class _Skill:
    """What documents contain of a skill."""

    id: str
    words: tuple[str, ...]
    """The name as typed, and the dictionary's names in both languages."""
    is_own: bool
    """Whether the dictionary does not have it."""


@lru_cache(maxsize=4_000)
def _skill(name: str) -> _Skill:
    known = dictionary()
    found = known.find(name)
    id = known.id_of(name) if found is None else found
    labels = (name, known.label_of(id), known.label_of(id, russian=True))
    return _Skill(id, tuple(plain(label) for label in labels if label), found is None)


def skill_id(name: str) -> str:
    """The id of a skill, from any of its spellings."""
    return _skill(name).id


KEYS: Mapping[str, Callable[[str], str]] = {"area": place_key, "skill": skill_id}
"""How the value of a field is computed from its label."""


def occupation_values(title: str) -> list[str]:
    """The values of the field `occupation` for a title: its occupations and their groups."""
    codes = occupations_of(title)
    values = {occupation_value(code) for code in codes}
    return sorted(values | {group_value(unit_group(code)) for code in codes})


def occupation_value(code: int) -> str:
    """The value for an occupation."""
    return f"occupation:{code}"


def group_value(group: int) -> str:
    """The value for an ISCO unit group."""
    return f"group:{group}"


def vacancy_document(row: Mapping[str, Any]) -> Document | None:
    """The document of a vacancy (its row with `company_name`); None unless it is open."""
    if row["status"] != "published" or row["held"]:
        return None
    names = [one["skill"] for one in row["requirements"] or ()]
    title, company, skills = plain(row["title"]), plain(row["company_name"]), _skill_words(names)
    pay, currency = _pay(row["salary"])
    area, work_format = where(row["area"], row["work_format"])
    return _present(
        {
            "title": title,
            "company_words": company,
            "skill_words": skills,
            "place_words": plain(f"{_place_words(area or '')} {row['address'] or ''}"),
            "description": plain(text_of(row["description"])),
            "whole_words": f"{title} · {company} · {skills}",
            "skill": sorted({skill_id(name) for name in names}),
            "skill_label": _own_names(names),
            "occupation": occupation_values(row["title"]),
            "company": str(row["company_id"]),
            "area": place_key(area or ""),
            "area_label": area,
            "workFormat": work_format,
            "employmentType": row["employment_type"],
            "experience": row["experience"],
            "currency": currency,
            "pay": pay,
            "time": micros(row["published_at"]),
        }
    )


def resume_document(row: Mapping[str, Any]) -> Document | None:
    """The document of a resume (its row); None unless employers may see it."""
    snapshot = row["snapshot"]
    if row["state"] != "visible" or not snapshot or snapshot.get("status") != "published":
        return None
    jobs, schools = snapshot.get("experience") or (), snapshot.get("education") or ()
    names = skill_names(snapshot)
    title, skills = plain(snapshot.get("title") or ""), _skill_words(names)
    salary = snapshot.get("salary") or {}
    pay, currency = _pay({**salary, "max": salary.get("amount")} if salary else None)
    area, away = where(snapshot.get("area"))
    return _present(
        {
            "title": title,
            "skill_words": skills,
            "work_words": plain(_joined(jobs, "position")),
            "study_words": plain(_joined(schools, "field", "level")),
            "place_words": plain(_place_words(area or "")),
            "whole_words": f"{title} · {skills}",
            "skill": sorted({skill_id(name) for name in names}),
            "skill_label": _own_names(names),
            "occupation": occupation_values(snapshot.get("title") or ""),
            "area": place_key(area or ""),
            "area_label": area,
            "workFormat": sorted(filter(None, {*(snapshot.get("workFormats") or ()), away})),
            "employmentType": sorted(set(snapshot.get("employmentTypes") or ())),
            "experience": band_of(snapshot.get("experienceMonths") or 0),
            "hidden_from": [key_of(str(one)) for one in snapshot.get("hiddenFrom") or ()],
            "currency": currency,
            "pay": pay,
            "time": micros(row["updated_at"]),
        }
    )


def skill_names(snapshot: Mapping[str, Any]) -> list[str]:
    """The skills of a resume, and those of its positions."""
    names = [one["name"] for one in snapshot.get("skills") or ()]
    jobs = snapshot.get("experience") or ()
    return names + [name for job in jobs for name in job.get("skills") or ()]


def band_of(months: int) -> str:
    """The experience band of a number of months, as the API names it."""
    if months < 12:
        return "noExperience"
    return "between1And3" if months < 36 else "between3And6" if months < 72 else "moreThan6"


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return int(moment.timestamp() * 1_000_000)


def a_month(amount: float, unit: str) -> int:
    """The monthly equivalent of an amount per `unit`, at most `MOST_PAID`."""
    return min(round(amount * A_MONTH.get(unit, 1.0)), MOST_PAID)


def _pay(salary: Mapping[str, Any] | None) -> tuple[int | None, str | None]:
    """The upper end of the monthly pay, and the currency; None if not stated."""
    if not salary:
        return None, None
    ends = [salary[end] for end in ("min", "max") if salary.get(end) is not None]
    if not ends:
        return None, None
    return a_month(max(ends[-1], 0), salary.get("unit") or "MONTH"), salary["currency"]


def _skill_words(names: Iterable[str]) -> str:
    """The names as typed, and the dictionary's names in both languages."""
    return " · ".join(dict.fromkeys(word for name in names for word in _skill(name).words))


def _own_names(names: Iterable[str]) -> list[str]:
    """The skills that the dictionary does not have, as typed."""
    return list(dict.fromkeys(name for name in names if _skill(name).is_own))


@lru_cache(maxsize=4_000)
def _place_words(area: str) -> str:
    """The place as typed, and its names in both languages."""
    return " · ".join(spellings(area))


def _joined(items: Iterable[Mapping[str, Any]], *fields: str) -> str:
    return " · ".join(str(one[field]) for one in items for field in fields if one.get(field))


def _present(values: Mapping[str, Any]) -> Document:
    return {name: value for name, value in values.items() if value not in (None, "", [])}
