"""Converts a vacancy's row and a resume's snapshot to the scorer's input."""

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from math import sqrt
from typing import Any

from hirewire.esco import dictionary, edition, key_of, occupations
from hirewire.esco.forms import one_script
from hirewire.esco.job_codes import OWN_TITLE, family_of, unit_group
from hirewire.esco.job_titles import jobs_of, level_of, titles
from hirewire.esco.licences import by_category, licences, licences_in
from hirewire.esco.qualifiers import fields_in, licence_field
from hirewire.esco.related import related
from hirewire.places.gazetteer import gazetteer, place_key
from hirewire.places.keys import where
from hirewire.vacancies.pay import A_MONTH
from hirewire.vacancies.recommendations.asking import (
    asked_skills,
    languages_of,
    licences_by_code,
    presumed_bits,
    skill_codes,
)
from hirewire.vacancies.recommendations.inputs import (
    BANDS,
    EMPLOYMENT_TYPES,
    LEVELS,
    WORK_FORMATS,
    Ask,
    Demand,
    Have,
    Offer,
    code,
)
from hirewire.vacancies.recommendations.kinship import MOST_FIELDS, MOST_JOBS, MOST_SHOWN
from hirewire.vacancies.recommendations.presumed import presumed_of
from hirewire.vacancies.recommendations.rules import RULESET, idf

_WORD = re.compile(r"[^\W_]+[+#]*")
_LIKEST = 3
"""The number of most similar occupations that are kept."""
_SHARPNESS = 4
_LATEST = 2
"""The number of latest positions of a resume that count for its occupation."""
_HELD = 85
"""How surely the occupation of a position is the resume's, in per cent of the title's."""
_HELD_BEFORE = 50
"""The same if the title is a known one of other unit groups: it says what is looked for now."""
_KNOWN = 92
"""How sure the occupation of a known title is, in per cent."""
_MOST_MONTHS = 1200
_MOST_PAID = 10**15
_MOST_MENTIONS = 10_000
"""The mentions of skills in a resume that count. An external publisher may send any number."""
_LONGEST = 200
"""The characters of a skill or title that count: as many as people can enter."""


@cache
def weights() -> Mapping[int, float]:
    """The weight of each skill that some ICT occupation of ESCO has, by the skill's code."""
    whole = occupations()
    counts: dict[str, int] = {}
    for occupation in whole:
        for id in set(occupation.skills):
            counts[id] = counts.get(id, 0) + 1
    return {code(id): idf(count, len(whole)) for id, count in counts.items()}


@cache
def default_weight() -> float:
    """The weight of a skill that no occupation has."""
    return idf(0, len(occupations()))


def weight_of(skill: int) -> float:
    """A skill's weight, by its code."""
    return weights().get(skill, default_weight())


@cache
def _close() -> Mapping[int, tuple[int, ...]]:
    """The skills that are close to a skill, by codes."""
    return {code(one): tuple(map(code, sorted(others))) for one, others in related().items()}


def close_to(skill: int) -> tuple[int, ...]:
    """The skills that are close to a skill, by codes."""
    return _close().get(skill, ())


@cache
def _profiles() -> Mapping[int, list[tuple[int, float]]]:
    """By skill code: the occupations with the skill, and its share of each one's norm."""
    found: dict[int, list[tuple[int, float]]] = {}
    for number, occupation in enumerate(occupations()):
        codes = [code(id) for id in sorted(set(occupation.skills))]
        norm = sqrt(sum(weight_of(one) for one in codes))
        for one in codes:
            found.setdefault(one, []).append((number, weight_of(one) / norm))
    return found


def likest(skills: Iterable[int]) -> dict[int, float]:
    """Similarity to the three most similar occupations, as a vector of length 1 by number; may be
    empty.

    The similarity is the same geometric mean of overlaps as between resume and vacancy, raised to
    the fourth power to emphasise the most similar one.
    """
    sums: dict[int, float] = {}
    for skill in skills:
        for occupation, share in _profiles().get(skill, ()):
            sums[occupation] = sums.get(occupation, 0.0) + share
    best = sorted(sums.items(), key=lambda one: (-one[1], one[0]))[:_LIKEST]
    length = sqrt(sum(value ** (2 * _SHARPNESS) for _, value in best))
    return {occupation: value**_SHARPNESS / length for occupation, value in best} if length else {}


@cache
def _languages() -> Mapping[str, str]:
    """Language tags by the keys of the languages' names and of the tags."""
    found: dict[str, str] = {}
    table = files("hirewire.vacancies.recommendations") / "languages.csv"
    for tag, *names in csv.reader(table.read_text(encoding="utf-8").splitlines()):
        for name in (tag, *names):
            found.setdefault(key_of(name), tag)
            found.setdefault(key_of(name.removesuffix(" язык")), tag)
    return found


def language_code(name: str) -> int:
    """The code of a language in any spelling: `en`, `English` and `английский язык` are one."""
    key = key_of(name).removesuffix("язык")
    return code("language:" + _languages().get(key, key))


def area_code(name: str) -> int:
    """The code of a place, whichever language and spelling its name has."""
    return code("area:" + place_key(name))


def company_code(id: object) -> int:
    """The code of a company."""
    return code(f"company:{id}")


def title_words(title: str | None) -> frozenset[int]:
    """The codes of a title's words."""
    plain = one_script((title or "")[:_LONGEST]).casefold()
    return frozenset(code(word) for word in _WORD.findall(plain))


def demand_of(vacancy: Mapping[str, Any]) -> Demand:
    """The requirements of a vacancy (its row)."""
    asks, presumed = asked_skills(vacancy), presumed_of(vacancy)
    skills = [
        Ask(one.code, one.must, one.level, weight_of(one.code), close_to(one.code)) for one in asks
    ]
    title = vacancy.get("title") or ""
    pay, currency = _pay(vacancy.get("salary"))
    area, work_format = where(vacancy.get("area"), vacancy.get("work_format"))
    experience = vacancy.get("experience") or presumed.experience
    return Demand(
        skills=skills,
        weight=sum(ask.weight for ask in skills),
        title=title_words(vacancy.get("title")),
        occupation=likest(one.code for one in asks),
        jobs=dict(jobs_of(title)),
        level=level_of(title) if title else 0,
        fields=_fields((*_licence_fields(one.code for one in asks if one.must), *fields_in(title))),
        band=BANDS.get(experience or ""),
        area=area_code(area) if area else None,
        work_format=WORK_FORMATS.get(work_format or ""),
        employment=EMPLOYMENT_TYPES.get(vacancy.get("employment_type") or ""),
        pay=pay,
        currency=currency,
        languages=[
            (language_code(one["language"]), LEVELS.get(one.get("level") or "", 0))
            for one in languages_of(vacancy)
        ],
        company=company_code(vacancy.get("company_id")),
        presumed=presumed_bits(vacancy, presumed),
    )


def offered_skills(snapshot: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Each mention of a skill: name, JSON pointer and level (0 for none).

    The resume's own list comes first, then the skills of its positions, and then the licences that
    its title, positions and certificates name.
    """
    found = [
        (one["name"][:_LONGEST], f"/skills/{nth}", one.get("level") or 0)
        for nth, one in enumerate(snapshot.get("skills") or ())
    ]
    for job, one in enumerate(snapshot.get("experience") or ()):
        names = one.get("skills") or ()
        found += [
            (name[:_LONGEST], f"/experience/{job}/skills/{nth}", 0)
            for nth, name in enumerate(names)
        ]
    titles = [(snapshot.get("title") or "", "/title")]
    for job, one in enumerate(snapshot.get("experience") or ()):
        titles.append((one.get("position") or "", f"/experience/{job}/position"))
    named = ((licences()[id].label, at, 0) for text, at in titles for id in licences_in(text))
    certified = ((name, "/certificates", 0) for name in snapshot.get("licences") or ())
    return [*found, *named, *certified][:_MOST_MENTIONS]


def offer_of(snapshot: Mapping[str, Any]) -> Offer:
    """The offer of a resume (its anonymous snapshot).

    Of several mentions of a skill the first with the highest level counts.
    """
    skills: dict[int, Have] = {}
    for place, (name, _, level) in enumerate(offered_skills(snapshot)):
        level = min(max(level, 0), 5)
        for skill in skill_codes(name):
            if skill not in skills or level > skills[skill].level:
                skills[skill] = Have(level, weight_of(skill), place)
    implied = _implied(skills)
    title = snapshot.get("title") or ""
    fields = _fields((*_licence_fields(skills), *fields_in(title)))
    salary = snapshot.get("salary")
    expected = None
    if salary and salary.get("amount") is not None:
        amount = min(max(salary["amount"], 0), _MOST_PAID)
        expected = amount * A_MONTH.get(salary.get("unit") or "MONTH", 1.0)
    area, away = where(snapshot.get("area"))
    formats = filter(None, (*(snapshot.get("workFormats") or ()), away))
    return Offer(
        skills={**skills, **implied},
        weight=sum(have.weight for have in skills.values()),
        title=title_words(snapshot.get("title")),
        occupation=likest(skills),
        jobs=_offered_jobs(snapshot),
        level=level_of(title) if title else 0,
        fields=fields,
        shown=_shown(snapshot, fields, implied),
        months=min(max(snapshot.get("experienceMonths") or 0, 0), _MOST_MONTHS),
        area=area_code(area) if area else None,
        relocation=bool(snapshot.get("relocation")),
        work_formats=_bits(WORK_FORMATS, formats),
        employment=_bits(EMPLOYMENT_TYPES, snapshot.get("employmentTypes")),
        pay=expected,
        currency=code("currency:" + salary["currency"])
        if salary and expected is not None
        else None,
        languages={
            language_code(one["language"]): LEVELS.get(one.get("level") or "", 0)
            for one in snapshot.get("languages") or ()
        },
        hidden_from=frozenset(company_code(id) for id in snapshot.get("hiddenFrom") or ()),
    )


def _implied(skills: Mapping[int, Have]) -> dict[int, Have]:
    """The lower licences that come with those of a resume: without a weight of their own."""
    found: dict[int, Have] = {}
    for skill, have in skills.items():
        if id := licences_by_code().get(skill):
            for lower in sorted(map(code, licences()[id].implies)):
                if lower not in skills:
                    found.setdefault(lower, Have(0, 0.0, have.place))
    return found


def _licence_fields(skills: Iterable[int]) -> list[int]:
    """The fields of the licences among these skills that have a family."""
    ids = [id for skill in skills if (id := licences_by_code().get(skill))]
    return [licence_field(id) for id in ids if licences()[id].family]


def _fields(fields: Iterable[int]) -> frozenset[int]:
    return frozenset([*dict.fromkeys(fields)][:MOST_FIELDS])


def _shown(
    snapshot: Mapping[str, Any], fields: frozenset[int], implied: Iterable[int]
) -> frozenset[int]:
    """The fields that a resume shows beside its title, of the families that the title has."""
    families = {family_of(one) for one in fields}
    if not families:
        return frozenset()
    experience = snapshot.get("experience") or ()
    texts = [one.get("position") or "" for one in experience]
    texts += [name for name, _, _ in offered_skills(snapshot)]
    shown = dict.fromkeys(_licence_fields(implied))
    shown |= dict.fromkeys(field for text in texts for field in fields_in(text))
    kept = [one for one in shown if family_of(one) in families and one not in fields]
    return frozenset(kept[:MOST_SHOWN])


def _offered_jobs(snapshot: Mapping[str, Any]) -> dict[int, int]:
    """The occupations of the resume's title and, with less certainty, of its latest positions."""
    found: dict[int, int] = {}
    for title in by_category(snapshot.get("title") or ""):
        for job, sure in jobs_of(title):
            found[job] = max(found.get(job, 0), sure)
    known = {unit_group(job) for job, sure in found.items() if job < OWN_TITLE and sure >= _KNOWN}
    for one in (snapshot.get("experience") or ())[:_LATEST]:
        for job, sure in jobs_of(one.get("position") or ""):
            if job < OWN_TITLE:
                held = _HELD_BEFORE if known and unit_group(job) not in known else _HELD
                found[job] = max(found.get(job, 0), sure * held // 100)
    best = sorted(found, key=lambda job: (-found[job], job))[:MOST_JOBS]
    return {job: found[job] for job in best}


def ruleset() -> str:
    """The version of the rules and the operator's dictionary; equal versions give equal scores."""
    return f"{RULESET}+{edition()}"


def prepare() -> None:
    """Load the dictionaries now, so that the first comparison does not spend its time on it."""
    dictionary()
    weights()
    _profiles()
    _close()
    _languages()
    gazetteer()
    titles()
    fields_in("")


def _pay(salary: Mapping[str, Any] | None) -> tuple[tuple[float, float] | None, int | None]:
    if not salary:
        return None, None
    ends = [salary[end] for end in ("min", "max") if salary.get(end) is not None]
    if not ends:
        return None, None
    factor = A_MONTH.get(salary.get("unit") or "MONTH", 1.0)
    return (ends[0] * factor, ends[-1] * factor), code("currency:" + salary["currency"])


def _bits(known: Mapping[str, int], values: Iterable[str] | None) -> int:
    return sum(known[value] for value in set(values or ()) if value in known)
