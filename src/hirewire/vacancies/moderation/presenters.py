"""Converts reports and decisions to API responses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from hirewire.vacancies.moderation import models, rules


def reported(row: Row[Any], reasons: Sequence[Row[Any]]) -> models.Reported:
    """A target of the queue."""
    counts = [models.ReasonCount.model_validate(one) for one in reasons]
    return models.Reported.model_validate({**row._mapping, "reasons": counts})


def one_reported(
    row: Row[Any],
    reasons: Sequence[Row[Any]],
    reports: Sequence[Row[Any]],
    decisions: Sequence[Row[Any]],
) -> models.OneReported:
    """A target with everything about it."""
    waits = row.reports > 0 or row.is_answered
    return models.OneReported(
        **reported(row, reasons).model_dump(),
        latest_reports=[
            models.Report.model_validate({**one._mapping, "signed_in": one.user_id is not None})
            for one in reports
        ],
        decisions=[models.Decided.model_validate(one) for one in decisions],
        possible=rules.possible(taken_down=row.taken_down, waits=waits),
    )


def for_owner(rows: Sequence[Row[Any]]) -> models.Decisions:
    """The decisions that an owner reads; the latest may be answered once."""
    shown = [row for row in rows if row.kind != "dismissed"]
    items = [
        models.Decided.model_validate(
            {
                **row._mapping,
                "can_answer": row is shown[0]
                and row is rows[0]
                and row.kind in rules.ANSWERABLE
                and row.answer is None,
            }
        )
        for row in shown
    ]
    return models.Decisions(items=items)
