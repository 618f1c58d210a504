"""The filters of the list of jobs on its page: checkboxes with counts, and chips."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from hirewire.web.api.models.vacancies import Results
from hirewire.web.pages.naming import names_of_skills
from hirewire.web.pages.searching import AMOUNTS, SHOWN_FACETS, Asked, counted
from hirewire.web.sessions import Visitor

FIRST_CHOICES = 6
"""The number of values that each group shows at first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet."""

    value: str
    label: str
    count: int | None
    """None for a chosen value whose count is unknown."""
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A facet with its values: those shown at first, and the others."""

    name: str
    first: list[Choice]
    others: list[Choice]


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen filter, and the search without it."""

    name: str
    label: str
    remaining: list[tuple[str, str]]

    @property
    def query(self) -> str:
        """The query string of the search without it."""
        return urlencode(self.remaining)


def groups(asked: Asked, found: Results, names: Mapping[str, str]) -> list[Group]:
    """The facets that have values; `names` are labels that the answer lacks."""
    shown = []
    for name in SHOWN_FACETS:
        buckets = counted(found, name)
        chosen = dict.fromkeys(v for n, v in asked.again if n == name)
        typed = asked.place if name == "area" else ""  # the page has a separate field for it
        known = {bucket.value for bucket in buckets}
        missing = [v for v in chosen if v not in known and v != typed]
        choices = [
            Choice(
                one.value, names.get(one.value, asked.label(one)), one.count, one.value in chosen
            )
            for one in buckets
        ]
        first = [Choice(v, names.get(v, v), None, True) for v in missing]
        first += choices[:FIRST_CHOICES]
        others = choices[FIRST_CHOICES:]
        first += [one for one in others if one.is_chosen]
        if first:
            shown.append(Group(name, first, [one for one in others if not one.is_chosen]))
    return shown


def chips(asked: Asked, shown: list[Group]) -> list[Chip]:
    """The chosen filters, in the order of the query string."""
    labels = {(group.name, one.value): one.label for group in shown for one in group.first}
    found = []
    for pair in asked.again:
        if pair[0] not in (*SHOWN_FACETS, *AMOUNTS, "days"):
            continue
        others = [one for one in asked.again if one != pair]
        if pair[0] in AMOUNTS and ("sort", "pay") not in others:
            others = [one for one in others if one[0] != "currency"]
        found.append(Chip(pair[0], labels.get(pair, pair[1]), others))
    return found


async def labels_of_skills(who: Visitor, found: Results) -> dict[str, str]:
    """The labels of the counted skills in the reader's language, by value."""
    listed = counted(found, "skill")
    names = await names_of_skills(who, {bucket.label for bucket in listed})
    return {bucket.value: names[bucket.label] for bucket in listed}


def unnamed_companies(asked: Asked, found: Results) -> list[str]:
    """Chosen companies whose names are not in the facets."""
    named = {bucket.value for bucket in counted(found, "company")}
    return [v for n, v in asked.again if n == "company" and v not in named]
