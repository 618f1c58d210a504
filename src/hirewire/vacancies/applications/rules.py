"""Rules of applications: stages, allowed actions, and what each side may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

from hirewire.vacancies.parties import Party, Side

Stage = Literal[
    "response",
    "consider",
    "phone_interview",
    "assessment",
    "interview",
    "offer",
    "hired",
    "discard_by_employer",
    "discard_by_applicant",
    "discard_vacancy_closed",
]
Origin = Literal["response", "invitation"]
ShownResume = Literal["as_it_is", "as_it_was"] | None
Action = Literal["accept", "withdraw", "move", "discard", "message"]
ApplicantState = Literal[
    "sent",
    "viewed",
    "in_progress",
    "invited",
    "offer",
    "hired",
    "declined",
    "withdrawn",
    "closed",
]

OPEN: tuple[Stage, ...] = (
    "response",
    "consider",
    "phone_interview",
    "assessment",
    "interview",
    "offer",
)
"""The open stages in the order of the process; stages can be skipped."""
MANDATORY = ("title", "skills")
"""The snapshot fields that `profiles` requires before a resume can be published."""
_SEEN_AS: dict[Stage, ApplicantState] = {
    "consider": "in_progress",
    "phone_interview": "invited",
    "assessment": "in_progress",
    "interview": "invited",
    "offer": "offer",
    "hired": "hired",
    "discard_by_employer": "declined",
    "discard_by_applicant": "withdrawn",
    "discard_vacancy_closed": "closed",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of an application."""

    stage: Stage
    origin: Origin
    viewed: bool
    """Whether the employer has opened it."""
    accepted: bool
    """Whether the applicant agreed: by applying, or by accepting the invitation."""

    @property
    def is_open(self) -> bool:
        """Whether the application can still move."""
        return self.stage in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether this is an unanswered invitation."""
        return self.is_open and self.origin == "invitation" and not self.accepted

    @property
    def contacts_open(self) -> bool:
        """Whether the company may read the full resume."""
        return self.accepted and self.stage != "discard_by_applicant"


@dataclass(frozen=True, slots=True)
class Move:
    """An entry of an application's history, as one side may see it."""

    at: datetime
    side: Side
    applicant_state: ApplicantState
    """The state that the applicant saw after the move."""
    from_stage: Stage | None
    to_stage: Stage | None
    """None for the applicant, like `from_stage`."""
    user_id: UUID | None
    """The user who moved it; only their own side sees this."""
    api_key: str | None
    """The name of the API key that moved it, in place of a user."""
    comment: str | None
    comment_shared: bool
    reason: str | None


def progress_of(row: Any) -> Progress:
    """The state of the application in this row."""
    return Progress(row.stage, row.origin, row.viewed_at is not None, row.accepted_at is not None)


def applicant_state(at: Progress) -> ApplicantState:
    """The state that the applicant sees, which is always derived."""
    if at.is_pending:
        return "invited"
    if at.stage != "response":
        return _SEEN_AS[at.stage]
    if at.origin == "invitation":
        return "in_progress"
    return "viewed" if at.viewed else "sent"


def allowed_stages(at: Progress, party: Party) -> list[Stage]:
    """The stages to which this side may move the application.

    An employer may choose any other open stage, and `hired` only after an offer. An unanswered
    invitation can only be withdrawn.
    """
    if party == "applicant" or not at.is_open:
        return []
    if at.is_pending:
        return ["discard_by_employer"]
    others: list[Stage] = [stage for stage in OPEN if stage != at.stage]
    hired: list[Stage] = ["hired"] if at.stage == "offer" else []
    return [*others, *hired, "discard_by_employer"]


def allowed_actions(at: Progress, party: Party) -> list[Action]:
    """The actions that this side can take now."""
    if not at.is_open:
        return []
    if party == "applicant":
        accept: list[Action] = ["accept"] if at.is_pending else []
        return [*accept, "withdraw", "message"]
    move: list[Action] = [] if at.is_pending else ["move"]
    return [*move, "discard", "message"]


def takes_applications(status: str, held: bool, valid_through: date | None, today: date) -> bool:
    """Whether a vacancy accepts applications and invitations."""
    is_open = status == "published" and not held
    return is_open and (valid_through is None or valid_through >= today)


class KeptResume(TypedDict):
    """The part of a resume that a company keeps when somebody applies with it."""

    title: str | None
    area: str | None
    skills: list[str]


def takes_answers(status: str, held: bool) -> bool:
    """Whether an invitation to the vacancy can still be accepted."""
    return status in ("published", "paused") and not held


def is_draft(snapshot: Mapping[str, Any] | None) -> bool:
    """Whether a resume was never published; False if unknown, as from external publishers."""
    return (snapshot or {}).get("status") == "draft"


def missing(snapshot: Mapping[str, Any]) -> list[str]:
    """The mandatory fields that a resume lacks."""
    return [name for name in MANDATORY if not snapshot.get(name)]


def kept(snapshot: Mapping[str, Any] | None) -> KeptResume | None:
    """The part of a resume's snapshot that a company keeps when somebody applies with it.

    None without a snapshot.
    """
    if snapshot is None or "status" not in snapshot:
        return None
    return {
        "title": snapshot.get("title"),
        "area": snapshot.get("area"),
        "skills": [skill["name"] for skill in snapshot.get("skills") or ()],
    }


def is_gone(state: str, snapshot: Mapping[str, Any] | None) -> bool:
    """Whether a resume was deleted; a hidden one then keeps its state and loses its content."""
    return state == "deleted" or (state == "unseen" and "status" not in (snapshot or {}))


def resume_shown(at: Progress, party: Party, is_visible: bool) -> ShownResume:
    """The version of the anonymous resume that this side may see; None if it may see none.

    An employer sees the current version while the application is open, and afterwards the version
    applied with. Without an application, the employer sees what every employer may see
    (`is_visible`, which includes this one).
    """
    if party == "applicant":
        return "as_it_is"
    if at.accepted:
        return "as_it_is" if at.is_open else "as_it_was"
    return "as_it_is" if is_visible else None


def unread(application: Any, party: Party) -> int:
    """The number of changes in an application that this side has not seen."""
    news: int = getattr(application, f"{party}_news")
    seen: int = getattr(application, f"{party}_seen")
    return max(news - seen, 0)


def is_news(before: Any, after: Any, comment: str | None) -> bool:
    """Whether `history` shows the applicant an employer's move with this `comment`."""
    shown = [applicant_state(progress_of(one)) for one in (before, after)]
    return shown[0] != shown[1] or comment is not None


def history(application: Any, moves: Sequence[Any], party: Party) -> list[Move]:
    """The moves that this side may see, oldest first.

    An applicant sees an employer's move only if it changed the state they see, or has a comment for
    them.
    """
    lines: list[Move] = []
    seen: ApplicantState | None = None
    for move in moves:
        state = applicant_state(_progress_after(application, move))
        readable = move.shared or move.side == party
        comment = move.comment if readable else None
        hidden = party == "applicant" and move.side == "employer"
        if hidden and state == seen and comment is None:
            continue
        seen = state
        lines.append(
            Move(
                at=move.created_at,
                side=move.side,
                applicant_state=state,
                from_stage=move.from_stage if party == "employer" else None,
                to_stage=move.to_stage if party == "employer" else None,
                user_id=move.user_id if move.side == party and move.api_key is None else None,
                api_key=move.api_key if move.side == party else None,
                comment=comment,
                comment_shared=move.shared,
                reason=move.reason,
            )
        )
    return lines


def _progress_after(application: Any, move: Any) -> Progress:
    """The state after the move."""
    viewed, accepted = (
        moment is not None and moment <= move.created_at
        for moment in (application.viewed_at, application.accepted_at)
    )
    return Progress(move.to_stage, application.origin, viewed, accepted)
