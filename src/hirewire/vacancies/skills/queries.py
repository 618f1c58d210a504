"""Queries for skills in use that the dictionary lacks."""

from dataclasses import dataclass

from hirewire.esco import dictionary, key_of
from hirewire.messaging.transaction import Tx

_NAMED = """
select name, sum(asked)::integer as asked, sum(offered)::integer as offered from (
    select r ->> 'skill' as name, 1 as asked, 0 as offered
    from vacancy v, jsonb_array_elements(v.requirements) r
    where v.status = 'published' and not v.held
    union all
    select s ->> 'name', 0, 1
    from resume r, jsonb_array_elements(r.snapshot -> 'skills') s where r.state = 'visible'
) named
group by name
order by name
"""


@dataclass(slots=True)
class Unknown:
    """A skill that the dictionary lacks; its spellings differ in case and punctuation."""

    name: str
    """The most frequent spelling."""
    asked: int
    """The number of open vacancies that require it."""
    offered: int
    """The number of visible resumes that offer it."""


async def unknown_skills(tx: Tx, limit: int) -> list[Unknown]:
    """The most frequent unknown skills. Reads all open vacancies and visible resumes: seconds."""
    found: dict[str, Unknown] = {}
    most: dict[str, int] = {}
    for row in await tx.exec_driver_sql(_NAMED):
        if dictionary().find(row.name) is not None:
            continue
        key, times = key_of(row.name), row.asked + row.offered
        one = found.setdefault(key, Unknown(row.name, 0, 0))
        one.asked += row.asked
        one.offered += row.offered
        if times > most.get(key, 0):
            most[key], one.name = times, row.name
    return sorted(found.values(), key=lambda one: (-one.asked - one.offered, one.name))[:limit]
