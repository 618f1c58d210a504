"""Errors of the actions on interviews."""

from hirewire.kit.errors import AppError, Kind, NotFound


class NoSuchInterview(NotFound):
    """Interview not found, or it is not yours."""

    code = "interview_not_found"


class ActNotAllowed(AppError):
    """This is not possible in the interview's current state."""

    slug = "act-not-allowed"
    code = "act_not_allowed"
    kind = Kind.CONFLICT


class ChangedMeanwhile(AppError):
    """The interview has changed in the meantime: look at it again."""

    slug = "changed-meanwhile"
    code = "interview_changed"
    kind = Kind.CONFLICT


class NotYet(AppError):
    """An interview can be proposed while the application is open and the contacts are too."""

    slug = "interview-not-possible"
    code = "interview_not_possible"
    kind = Kind.CONFLICT


class OneAtATime(AppError):
    """There is an interview ahead already: move it, or call it off."""

    slug = "interview-ahead"
    code = "interview_ahead"
    kind = Kind.CONFLICT


class TooManyInterviews(AppError):
    """There were too many interviews with this application, or too many changes of one."""

    slug = "too-many-interviews"
    code = "too_many_interviews"
    kind = Kind.CONFLICT
