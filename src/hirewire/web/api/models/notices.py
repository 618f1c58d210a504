"""Answers of `notifications` about notices."""

from hirewire.web.api.models.base import Model, Moment


class Notice(Model):
    """One notice: what happened, and what it is about."""

    id: str
    kind: str
    at: Moment
    read: bool = False
    count: int = 1
    """How many of this kind it stands for."""
    side: str
    """The reader's side: `applicant` or `employer`."""
    applicationId: str | None = None
    vacancyId: str | None = None
    vacancyTitle: str | None = None
    companyId: str | None = None
    companyName: str | None = None
    resumeId: str | None = None
    resumeTitle: str | None = None
    startsAt: Moment | None = None
    timeZone: str | None = None
    minutes: int | None = None
    detail: str | None = None
    """For a moved application, the state that the applicant sees."""


class UnreadNotices(Model):
    """The number of unread notices."""

    count: int
