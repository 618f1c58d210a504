"""Which steps of an application are worth a notice, and to whom."""

from dataclasses import dataclass
from typing import Literal

ACCOUNT_DELETED = "account_deleted"
"""The reason with which `vacancies` closes the applications of a person who is erased."""
_STATES_OF = {
    "response": frozenset({"sent", "viewed"}),
    "consider": frozenset({"in_progress"}),
    "phone_interview": frozenset({"invited"}),
    "assessment": frozenset({"in_progress"}),
    "interview": frozenset({"invited"}),
    "offer": frozenset({"offer"}),
}
"""What the applicant has seen in a stage, where that is not known here."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an application before an event."""

    is_accepted: bool = False
    """Whether the applicant applied, or accepted the invitation."""
    applicant_state: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an application's stage."""

    previous_stage: str | None
    stage: str
    applicant_state: str
    reason: str | None
    late: bool
    """Whether a later step is known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a notice says, and to which side."""

    kind: Literal["invitation", "application_moved", "application_answered", "vacancy_closed"]
    side: Literal["applicant", "employer"]
    detail: str | None = None


def is_invitation(step: Step) -> bool:
    """Whether the step is the invitation itself."""
    return step.previous_stage is None and step.applicant_state == "invited"


def outcome(step: Step, known: Known) -> Outcome | None:
    """What a step is worth; None if nobody needs a notice.

    An applicant is notified of an employer's move if it changed what the applicant sees, and of no
    other: the stage is the employer's own.
    """
    if step.previous_stage is None:
        return Outcome("invitation", "applicant") if is_invitation(step) else None
    if step.stage == "discard_by_applicant":
        if step.reason == ACCOUNT_DELETED:
            return None
        is_pending = step.previous_stage == "response" and known.applicant_state == "invited"
        detail = "declined" if is_pending else "withdrawn"
        return Outcome("application_answered", "employer", detail)
    if step.stage == "discard_vacancy_closed":
        return Outcome("vacancy_closed", "applicant", step.reason)
    if step.late or step.stage == step.previous_stage:  # accepted: `application.submitted` says so
        return None
    before = _states_before(step, known)
    if step.applicant_state in before:
        return None
    return Outcome("application_moved", "applicant", step.applicant_state)


@dataclass(frozen=True, slots=True)
class InterviewOutcome:
    """What a notice about an interview says, and to which side."""

    kind: Literal[
        "interview_proposed", "interview_chosen", "interview_declined", "interview_cancelled"
    ]
    side: Literal["applicant", "employer"]
    detail: str | None = None


def of_cancelled(side: str, reason: str, *, was_agreed: bool) -> list[InterviewOutcome]:
    """What the end of an interview is worth.

    An agreed time concerns both sides, whoever called it off: it has to go from two calendars.
    Without one, the other side needs to know, unless a notice says already that the application has
    ended. Of one that expired, the page says enough.
    """
    if reason == "expired" or (reason != "called_off" and not was_agreed):
        return []
    sides: list[Literal["applicant", "employer"]] = ["applicant", "employer"]
    concerned = [one for one in sides if was_agreed or one != side]
    return [InterviewOutcome("interview_cancelled", one, reason) for one in concerned]


def _states_before(step: Step, known: Known) -> frozenset[str]:
    if known.applicant_state is not None:
        return frozenset({known.applicant_state})
    return _STATES_OF.get(step.previous_stage or "", frozenset())
