"""Applications as they are sent and answered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from hirewire.kit.models import Answer, Body, text
from hirewire.vacancies.applications.rules import (
    Action,
    ApplicantState,
    Origin,
    Party,
    Side,
    Stage,
)

Letter = Annotated[str, text(1, 10_000)]
Comment = Annotated[str, text(1, 2_000)]
Words = Annotated[str, text(1, 5_000)]
Reason = Literal["not_a_fit", "position_filled", "no_response", "salary", "other"]


class NewApplication(Body):
    """The resume to apply with."""

    resume_id: UUID
    letter: Letter | None = None


class NewInvitation(Body):
    """The resume to invite. The message starts the conversation."""

    resume_id: UUID
    message: Words | None = None


class StageMove(Body):
    """The new stage. Only colleagues see the comment, unless it is shared."""

    stage: Stage
    comment: Comment | None = None
    comment_shared: bool = False
    reason: Reason | None = None
    """Why it is discarded; the applicant reads it. `other` when it is not said."""

    @field_validator("reason")
    @classmethod
    def _of_a_discard(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if reason is not None and info.data.get("stage") != "discard_by_employer":
            raise PydanticCustomError("reason_without_discard", "only for discard_by_employer")
        return reason


class Reply(Body):
    """The applicant's comment on accepting or withdrawing; the employer sees it."""

    comment: Comment | None = None


class NewMessage(Body):
    """A message to the other side."""

    text: Words


class Message(Answer):
    """A message."""

    id: UUID
    side: Party
    mine: bool
    """Written by who asks."""
    text: str
    sent_at: datetime


class MoveLine(Answer):
    """An entry of the history. Only employers see the stages."""

    at: datetime
    side: Side
    applicant_state: ApplicantState
    from_stage: Stage | None
    to_stage: Stage | None
    user_id: UUID | None
    comment: str | None
    comment_shared: bool
    reason: str | None


class AnonymousResume(Answer):
    """A resume without name and contacts."""

    title: str | None
    area: str | None
    skills: list[str]


class Application(Answer):
    """An application, as its applicant or its employer sees it."""

    id: UUID
    side: Party
    """Whose answer this is."""
    origin: Origin
    vacancy_id: UUID
    vacancy_title: str
    company_id: UUID
    company_name: str
    resume_id: UUID
    resume_title: str | None
    resume: AnonymousResume | None
    """None when it was deleted, or is not to be seen by this side any more."""
    letter: str | None
    stage: Stage | None
    """For the employer only."""
    applicant_state: ApplicantState
    open: bool
    reason: str | None
    """Why it was closed, when that was said."""
    contacts_open: bool
    """Whether the company may read the full resume, contacts included."""
    created_at: datetime
    updated_at: datetime
    viewed_at: datetime | None
    accepted_at: datetime | None
    score: float | None
    """How well the resume fits the vacancy, 0 to 1; for the employer only, while the application is
    open. None when it is no recommendation: see `/vacancies/{id}/scores`.
    """
    unread: int
    """How much has happened that this side has not seen: what the other side did, its messages.
    Reading the application or its messages makes it 0.
    """
    allowed_actions: list[Action]
    allowed_stages: list[Stage]
    history: list[MoveLine]


class StageCount(Answer):
    """The number of applications of a vacancy in one stage."""

    vacancy_id: UUID
    stage: Stage
    count: int
    unread: int
    """How many of them have something that the company has not seen."""


class StageCounts(Answer):
    """Counts, for stages with applications."""

    items: list[StageCount]


class Unread(Answer):
    """The number of unread applications; 100 stands for 100 or more."""

    as_applicant: int
    """Of one's own."""
    as_employer: int
    """Of those that one's company received; 0 for who acts for none."""
