"""The life of an application, and what of it each side may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

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
Party = Literal["employer", "applicant"]
Side = Literal["employer", "applicant", "system"]
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
"""In the order in which they follow each other; any may be skipped."""
MANDATORY = ("title", "skills")
"""What `profiles` asks for before a resume can be published, by the names of its snapshot."""
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
class Standing:
    """Where an application is."""

    stage: Stage
    origin: Origin
    viewed: bool
    """Whether the employer has opened it."""
    accepted: bool
    """Whether the applicant wants it: by applying, or by accepting the invitation."""

    @property
    def is_open(self) -> bool:
        """Whether it can still move."""
        return self.stage in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it is an invitation without an answer."""
        return self.is_open and self.origin == "invitation" and not self.accepted

    @property
    def contacts_open(self) -> bool:
        """Whether the company may read the full resume."""
        return self.accepted and self.stage != "discard_by_applicant"


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody, and the company they act for."""

    user_id: UUID
    company_id: UUID | None

    def party(self, applicant_id: UUID, company_id: UUID) -> Party | None:
        """Their side of an application; None for a stranger. Nobody judges their own."""
        if self.user_id == applicant_id:
            return "applicant"
        return "employer" if self.company_id == company_id else None


@dataclass(frozen=True, slots=True)
class Move:
    """A line of an application's history, as one side may see it."""

    at: datetime
    side: Side
    applicant_state: ApplicantState
    """What the applicant saw from then on."""
    from_stage: Stage | None
    to_stage: Stage | None
    """None for an applicant, like `from_stage`."""
    user_id: UUID | None
    """Who it was, for their own side."""
    comment: str | None
    comment_shared: bool
    reason: str | None


def standing_of(row: Any) -> Standing:
    """Where the application of this row is."""
    return Standing(row.stage, row.origin, row.viewed_at is not None, row.accepted_at is not None)


def applicant_state(at: Standing) -> ApplicantState:
    """What the applicant sees: derived, never set by hand."""
    if at.is_pending:
        return "invited"
    if at.stage != "response":
        return _SEEN_AS[at.stage]
    if at.origin == "invitation":
        return "in_progress"
    return "viewed" if at.viewed else "sent"


def allowed_stages(at: Standing, party: Party) -> list[Stage]:
    """Where this side may move it by naming a stage.

    An employer goes to any other open stage, to `hired` from an offer only; while an invitation
    has no answer, there is only taking it back.
    """
    if party == "applicant" or not at.is_open:
        return []
    if at.is_pending:
        return ["discard_by_employer"]
    others: list[Stage] = [stage for stage in OPEN if stage != at.stage]
    hired: list[Stage] = ["hired"] if at.stage == "offer" else []
    return [*others, *hired, "discard_by_employer"]


def allowed_actions(at: Standing, party: Party) -> list[Action]:
    """What this side may do with it now."""
    if not at.is_open:
        return []
    if party == "applicant":
        accept: list[Action] = ["accept"] if at.is_pending else []
        return [*accept, "withdraw", "message"]
    move: list[Action] = [] if at.is_pending else ["move"]
    return [*move, "discard", "message"]


def takes_applications(status: str, valid_through: date | None, today: date) -> bool:
    """Whether one can apply for, or be invited to, a vacancy."""
    return status == "published" and (valid_through is None or valid_through >= today)


def takes_answers(status: str) -> bool:
    """Whether an invitation to a vacancy can still be accepted."""
    return status in ("published", "paused")


def is_draft(snapshot: Mapping[str, Any] | None) -> bool:
    """Whether a resume was never published; of a stranger's nothing is known."""
    return (snapshot or {}).get("status") == "draft"


def missing(snapshot: Mapping[str, Any]) -> list[str]:
    """What a resume needs before it can be published, and does not have."""
    return [name for name in MANDATORY if not snapshot.get(name)]


def kept(snapshot: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a company keeps of a resume's snapshot, with which somebody applies to it."""
    if snapshot is None or "status" not in snapshot:
        return None
    return {
        "title": snapshot.get("title"),
        "area": snapshot.get("area"),
        "skills": [skill["name"] for skill in snapshot.get("skills") or ()],
    }


def is_gone(state: str, snapshot: Mapping[str, Any] | None) -> bool:
    """Whether a resume was deleted: one that was not to be seen stays so, but has no content."""
    return state == "deleted" or (state == "unseen" and "status" not in (snapshot or {}))


def resume_shown(at: Standing, party: Party, is_visible: bool) -> ShownResume:
    """Which anonymous resume this side may see: as it is, as it was when they applied, or none.

    An employer sees it as it is while the person is theirs to talk to, and keeps it as it was when
    that has ended. Of somebody who never applied they see what every employer may
    (`is_visible`: also this one).
    """
    if party == "applicant":
        return "as_it_is"
    if at.accepted:
        return "as_it_is" if at.is_open else "as_it_was"
    return "as_it_is" if is_visible else None


def unread(application: Any, party: Party) -> int:
    """How much has happened in an application that this side has not seen."""
    news: int = getattr(application, f"{party}_news")
    seen: int = getattr(application, f"{party}_seen")
    return max(news - seen, 0)


def is_news(before: Any, after: Any, comment: str | None) -> bool:
    """Whether an employer's move is there for the applicant, who sees `comment` of it: the same
    that `history` says.
    """
    shown = [applicant_state(standing_of(one)) for one in (before, after)]
    return shown[0] != shown[1] or comment is not None


def history(application: Any, moves: Sequence[Any], party: Party) -> list[Move]:
    """The lines that this side may see, oldest first.

    To an applicant an employer's move is there only when it changed what they see, or has a
    comment for them.
    """
    lines: list[Move] = []
    seen: ApplicantState | None = None
    for move in moves:
        state = applicant_state(_standing_after(application, move))
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
                user_id=move.user_id if move.side == party else None,
                comment=comment,
                comment_shared=move.shared,
                reason=move.reason,
            )
        )
    return lines


def _standing_after(application: Any, move: Any) -> Standing:
    """Where it was when the move had been made."""
    viewed, accepted = (
        moment is not None and moment <= move.created_at
        for moment in (application.viewed_at, application.accepted_at)
    )
    return Standing(move.to_stage, application.origin, viewed, accepted)
