"""Interviews as each side sees them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from hirewire.vacancies.interviews import rules
from hirewire.vacancies.interviews.commands import standing_of
from hirewire.vacancies.interviews.models import Interview
from hirewire.vacancies.interviews.queries import spans
from hirewire.vacancies.parties import Asker, Party


def presented(
    row: Row[Any],
    asker: Asker,
    party: Party,
    taken: Mapping[UUID, Sequence[Row[Any]]],
    moment: datetime,
) -> Interview:
    """The interview, as this side may see it. `taken` is what is ahead of those who proposed."""
    at = standing_of(row)
    overlaps: list[UUID] = []
    if party == "employer" and rules.is_ahead(at, moment) and row.state != "asked":
        own = spans(row)
        overlaps = [
            other.application_id
            for other in taken.get(row.proposed_by, ())
            if other.id != row.id and rules.clash(own, spans(other))
        ]
    derived: dict[str, object] = {
        "side": party,
        "state": rules.state_now(at, moment),
        "mine": row.proposed_by == asker.user_id,
        "allowed_actions": list(rules.moves(at, party, moment)),
        "overlaps": overlaps,
    }
    return Interview.model_validate(dict(row._mapping) | derived)
