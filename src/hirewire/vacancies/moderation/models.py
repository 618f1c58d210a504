"""Request and response bodies of moderation."""

from datetime import datetime
from typing import Annotated, Self, get_args
from uuid import UUID

from pydantic import ConfigDict, model_validator
from pydantic.config import JsonDict, JsonValue
from pydantic_core import PydanticCustomError

from hirewire.kit.audit_log import Why
from hirewire.kit.models import Answer, Body, text
from hirewire.vacancies.moderation.rules import Decision, DecisionKind, Reason, Target

Words = Annotated[str, text(1, 2_000)]
Details = Annotated[str, text(1, 1_000)]


class NewReport(Body):
    """What is wrong with a vacancy or a company. Only operators read it."""

    reason: Reason
    text: Details | None = None


TAKE_DOWN: JsonDict = {
    "properties": {"decision": {"const": "take_down"}, "reason": {"type": "string"}},
    "required": ["reason"],
}
OTHERS: list[JsonValue] = [one for one in get_args(Decision) if one != "take_down"]
ANOTHER: JsonDict = {"properties": {"decision": {"enum": OTHERS}, "reason": {"type": "null"}}}
"""A reason goes with `take_down`, and with nothing else."""


class NewDecision(Body):
    """What an operator decides, and why. The owner reads both, unless reports are dismissed."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [TAKE_DOWN, ANOTHER]})

    decision: Decision
    reason: Reason | None = None
    """Required to take something down."""
    text: Why

    @model_validator(mode="after")
    def _reason_of_a_takedown(self) -> Self:
        if (self.decision == "take_down") != (self.reason is not None):
            raise PydanticCustomError("reason_of_takedown", "reason: with take_down, and only then")
        return self


class NewAnswer(Body):
    """The owner's answer to a decision. Operators read it."""

    text: Words


class ReasonCount(Answer):
    """A reason, and how many reports give it."""

    reason: Reason
    count: int


class Reported(Answer):
    """A vacancy or a company that was reported or decided about."""

    target: Target
    target_id: UUID
    name: str
    """The vacancy's title or the company's name."""
    company_id: UUID
    company_name: str
    taken_down: bool
    reports: int
    """The number of reports since the last decision."""
    reasons: list[ReasonCount]
    is_answered: bool
    """Whether the owner has answered the last decision."""
    at: datetime
    """The time of the latest report, answer or decision."""


class Report(Answer):
    """One report. Nobody learns who sent it."""

    id: UUID
    reason: Reason
    text: str | None
    signed_in: bool
    reported_at: datetime


class Decided(Answer):
    """A decision, as the owner and operators read it."""

    id: UUID
    kind: DecisionKind
    reason: Reason | None
    text: str
    decided_at: datetime
    answer: str | None
    answered_at: datetime | None
    can_answer: bool = False
    """Whether the owner can answer it now."""


class OneReported(Reported):
    """One target with what was said and decided about it."""

    latest_reports: list[Report]
    """The latest 50 since the last decision."""
    decisions: list[Decided]
    """Latest first."""
    possible: list[Decision]
    """What can be decided now."""


class Decisions(Answer):
    """The decisions about a vacancy or a company, latest first."""

    items: list[Decided]


class Waiting(Answer):
    """How much waits for a decision."""

    waiting: int
