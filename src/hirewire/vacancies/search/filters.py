"""Converts the filters of a request to those of the index and of the tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from hirewire.esco import dictionary
from hirewire.kit.clock import now
from hirewire.places.gazetteer import place_key, spellings
from hirewire.places.keys import means_remote
from hirewire.vacancies.search import models
from hirewire.vacancies.search.index.documents import micros, skill_id
from hirewire.vacancies.search.index.query import SearchFilters
from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES, Filter
from hirewire.vacancies.search.queries import TableFilters


def vacancy_filters(given: models.VacancyFilters) -> SearchFilters:
    """The filters of a vacancy search."""
    return SearchFilters(
        text=given.q,
        values=_values(given, VACANCIES.filters),
        pay=None if given.salary_from is None else (given.salary_from, None),
        time=None if given.days is None else (micros(now() - timedelta(days=given.days)), None),
    )


def resume_filters(given: models.ResumeFilters, hidden_from: Sequence[str]) -> SearchFilters:
    """The filters of a resume search; `hidden_from` are the keys of the searching company."""
    return SearchFilters(
        text=given.q,
        values=_values(given, RESUMES.filters),
        excluded={"hidden_from": hidden_from},
        pay=None if given.salary_to is None else (0, given.salary_to),
    )


def table_filters(given: models.VacancyFilters) -> TableFilters:
    """The filters that the tables support, for lists that are read without the index."""
    return TableFilters(
        given.q.strip(),
        [name.lower() for area in _areas(given.area) for name in spellings(area)],
        _work_formats(given),
        given.employment_type,
        given.experience,
        given.company,
    )


def _values(given: models.Filters, filters: Sequence[Filter]) -> dict[str, Sequence[str]]:
    return {
        one.name: _READ[one.name](given) if one.name in _READ else _as_given(given, one.attribute)
        for one in filters
    }


def _as_given(given: models.Filters, attribute: str) -> list[str]:
    values = getattr(given, attribute)
    if not isinstance(values, list):
        values = [] if values is None else [values]
    return [str(value) for value in values]


def _areas(areas: Sequence[str]) -> list[str]:
    return [area for area in areas if not means_remote(area)]


def _work_formats(given: models.Filters) -> list[str]:
    """Work formats, including one that was typed as a place ("remote")."""
    remote = ["remote"] if any(means_remote(area) for area in given.area) else []
    return list(dict.fromkeys((*given.work_format, *remote)))


def skill_value(name: str) -> str:
    """The id of a skill, from its id or one of its names."""
    return name if name in dictionary().skills or name.startswith("own:") else skill_id(name)


_READ: Mapping[str, Callable[[models.Filters], Sequence[str]]] = {
    "area": lambda given: [place_key(area) for area in _areas(given.area)],
    "workFormat": _work_formats,
    "skill": lambda given: [skill_value(name) for name in given.skill],
}
