"""Answers of `vacancies` about interviews."""

from hirewire.web.api.models.base import Model, Moment


class Interview(Model):
    """An interview, as seen by one side."""

    id: str
    applicationId: str
    side: str
    version: int
    state: str
    timeZone: str
    minutes: int
    slots: tuple[Moment, ...]
    startsAt: Moment | None = None
    place: str | None = None
    note: str | None = None
    reply: str | None = None
    cancelledBy: str | None = None
    vacancyTitle: str
    companyName: str
    resumeId: str
    allowedActions: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    """Other applications with an interview at an overlapping time."""


class Interviews(Model):
    """The interviews of an application, the latest first."""

    items: tuple[Interview, ...] = ()


class CalendarFeed(Model):
    """The private address of a calendar."""

    path: str | None = None
    createdAt: Moment | None = None
