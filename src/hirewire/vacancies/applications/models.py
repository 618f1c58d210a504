"""Request and response bodies of applications."""

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
    Stage,
)
from hirewire.vacancies.parties import Party, Side

Letter = Annotated[str, text(1, 10_000)]
Comment = Annotated[str, text(1, 2_000)]
Words = Annotated[str, text(1, 5_000)]
Reason = Literal["not_a_fit", "position_filled", "no_response", "salary", "other"]


class NewApplication(Body):
    """The resume to apply with."""

    resume_id: UUID
    letter: Letter | None = None


class NewInvitation(Body):
    """The resume to invite. The message, if any, starts the conversation."""

    resume_id: UUID
    message: Words | None = None


class StageMove(Body):
    """The new stage. Only the company sees the comment, unless it is shared."""

    stage: Stage
    comment: Comment | None = None
    comment_shared: bool = False
    reason: Reason | None = None
    """The reason for a rejection, which the applicant reads; `other` if it is not given."""

    @field_validator("reason")
    @classmethod
    def _of_a_discard(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if reason is not None and info.data.get("stage") != "discard_by_employer":
            raise PydanticCustomError("reason_without_discard", "only for discard_by_employer")
        return reason


class Reply(Body):
    """The applicant's comment on accepting or withdrawing, which the employer reads."""

    comment: Comment | None = None


class NewMessage(Body):
    """A message to the other side."""

    text: Words


class Message(Answer):
    """A message."""

    id: UUID
    side: Party
    mine: bool
    """Whether the caller wrote it."""
    api_key: str | None
    """The name of the API key that wrote it; only its own company sees this."""
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
    api_key: str | None
    """The name of the API key that moved it, in place of a user."""
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
    """The caller's side."""
    origin: Origin
    vacancy_id: UUID
    vacancy_title: str
    vacancy_held: bool
    """Whether the vacancy is no longer shown: it was taken down, or its owner is blocked."""
    company_id: UUID
    company_name: str
    resume_id: UUID
    resume_title: str | None
    resume: AnonymousResume | None
    """Null if it was deleted, or if this side may no longer see it."""
    letter: str | None
    stage: Stage | None
    """For the employer only; null for the applicant."""
    applicant_state: ApplicantState
    open: bool
    reason: str | None
    """The reason for closing, if one was given."""
    contacts_open: bool
    """Whether the company may read the full resume, contacts included."""
    created_at: datetime
    updated_at: datetime
    viewed_at: datetime | None
    accepted_at: datetime | None
    score: float | None
    """How well the resume matches the vacancy, from 0 to 1: for the employer only, and only while
    the application is open. Null if the pair is not recommended: see `/vacancies/{id}/scores`.
    """
    unread: int
    """The number of changes that this side has not seen: moves and messages of the other side.
    Reading the application or its messages resets it to 0.
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
    """The number of them with changes that the company has not seen."""


class StageCounts(Answer):
    """The numbers of applications, for stages that have any."""

    items: list[StageCount]


class Unread(Answer):
    """The number of unread applications; 100 stands for 100 or more."""

    as_applicant: int
    """Your own applications."""
    as_employer: int
    """Applications to your company; 0 if you do not act for one."""
