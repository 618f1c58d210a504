"""The log of operators' acts: who did what to whom, when and why (schema `kit`).

Each service has the acts of its own operators' routes, recorded in the transaction of the act. Rows
can only be added: a trigger refuses every other change.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hirewire.kit import models
from hirewire.kit.clock import now
from hirewire.kit.http import Page, PageQuery, page_of, place_in_time
from hirewire.kit.models import Answer, Body
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

LONGEST_REASON = 1000
Why = Annotated[str, models.text(3, LONGEST_REASON)]
"""The reason of an act."""


class Reason(Body):
    """Why an operator does something."""

    why: Why


class OperatorAct(Answer):
    """An entry of the log."""

    id: UUID
    at: datetime
    operator_id: UUID | None
    """Null: the command line of the server."""
    act: str
    """Such as `user_blocked`."""
    subject_kind: str
    """Such as `user`."""
    subject_id: str
    why: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an operator acts on."""

    kind: str
    id: str


async def record(
    tx: Tx,
    act: str,
    subject: Subject,
    *,
    by: UUID | None,
    why: str,
    details: Mapping[str, str] | None = None,
) -> UUID:
    """Add an entry; returns its id. Without `by` it is an act of the command line.

    `details` must not hold personal data: entries stay when a person is erased.
    """
    id = new_id()
    await tx.exec_driver_sql(
        "insert into kit.operator_act "
        "(id, at, operator_id, act, subject_kind, subject_id, why, details) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)",
        (id, now(), by, act, subject.kind, subject.id, why, json.dumps(dict(details or {}))),
    )
    return id


async def page(
    tx: AsyncConnection,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    subject: Subject | None = None,
) -> Sequence[OperatorAct]:
    """The newest entries, one more than `limit`; of one subject only, if it is given."""
    at, id = after or (None, None)
    kind, of = (subject.kind, subject.id) if subject else (None, None)
    result = await tx.exec_driver_sql(
        """
        select id, at, operator_id, act, subject_kind, subject_id, why, details::text as details
        from kit.operator_act
        where ($1::text is null or (subject_kind = $1 and subject_id = $2))
          and ($3::timestamptz is null or (at, id) < ($3, $4::uuid))
        order by at desc, id desc limit $5
        """,
        (kind, of, at, id, limit + 1),
    )
    return [
        OperatorAct.model_validate({**row._mapping, "details": json.loads(row.details)})
        for row in result
    ]


async def answer(
    tx: AsyncConnection,
    query: PageQuery,
    request: Request,
    response: Response,
    user: UUID | None = None,
) -> Page[OperatorAct]:
    """A page of the log for operators, kept by nobody; about one person with `user`."""
    subject = Subject("user", str(user)) if user is not None else None
    rows = await page(tx, query.limit, place_in_time(query.after), subject)
    response.headers["Cache-Control"] = "no-store"
    return page_of(
        rows, query, request, response, OperatorAct, cursor=lambda row: (row.at.isoformat(), row.id)
    )
