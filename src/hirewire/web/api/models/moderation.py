"""Answers of `vacancies` about reports and decisions."""

from hirewire.web.api.models.base import Model, Moment


class ReasonCount(Model):
    """A reason, and how many reports give it."""

    reason: str
    count: int


class Reported(Model):
    """A job or a company that waits for an operator's decision."""

    target: str
    targetId: str
    name: str
    companyId: str
    companyName: str
    takenDown: bool = False
    reports: int = 0
    reasons: tuple[ReasonCount, ...] = ()
    isAnswered: bool = False
    at: Moment


class Report(Model):
    """One report."""

    reason: str
    text: str | None = None
    signedIn: bool = False
    reportedAt: Moment


class Decided(Model):
    """A decision, as the owner and operators read it."""

    id: str
    kind: str
    reason: str | None = None
    text: str = ""
    decidedAt: Moment
    answer: str | None = None
    answeredAt: Moment | None = None
    canAnswer: bool = False


class OneReported(Reported):
    """A job or a company with its reports and decisions."""

    latestReports: tuple[Report, ...] = ()
    decisions: tuple[Decided, ...] = ()
    possible: tuple[str, ...] = ()
    """The decisions that can be made now."""
