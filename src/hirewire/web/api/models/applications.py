"""Answers of `vacancies` about applications."""

from hirewire.web.api.models.base import Model, Moment


class AppliedResume(Model):
    """A resume without name and contacts, as an application shows it."""

    title: str | None = None
    area: str | None = None
    skills: tuple[str, ...] = ()


class Move(Model):
    """An entry of the history. Only employers get the stages."""

    at: Moment
    applicantState: str
    toStage: str | None = None
    apiKey: str | None = None
    """The name of the API key that moved it."""
    comment: str | None = None


class Application(Model):
    """An application, as seen by one side."""

    id: str
    side: str
    origin: str
    vacancyId: str
    vacancyTitle: str
    vacancyHeld: bool = False
    """Whether the job is no longer shown."""
    companyId: str
    companyName: str
    resumeId: str
    resumeTitle: str | None = None
    resume: AppliedResume | None = None
    letter: str | None = None
    stage: str | None = None
    applicantState: str
    open: bool
    reason: str | None = None
    contactsOpen: bool = False
    createdAt: Moment
    updatedAt: Moment
    acceptedAt: Moment | None = None
    score: float | None = None
    unread: int = 0
    allowedActions: tuple[str, ...] = ()
    allowedStages: tuple[str, ...] = ()
    history: tuple[Move, ...] = ()


class StageCount(Model):
    """The number of applications for a job in one stage."""

    vacancyId: str
    stage: str
    count: int
    unread: int = 0


class Unread(Model):
    """The numbers of unread applications."""

    asApplicant: int = 0
    asEmployer: int = 0


class Message(Model):
    """A message."""

    id: str
    side: str
    mine: bool = False
    apiKey: str | None = None
    """The name of the API key that wrote it."""
    text: str
    sentAt: Moment


class OldApplication(Model):
    """An application that will be anonymised, unless it is kept."""

    id: str
    vacancyTitle: str
    companyName: str
    deletedAfter: Moment
