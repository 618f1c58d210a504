"""Errors that several features of `vacancies` raise."""

from hirewire.kit.errors import AppError, Kind, NotFound


class NoSuchVacancy(NotFound):
    """Vacancy not found, or you do not have access to it."""

    code = "vacancy_not_found"


class NotShown(AppError):
    """This is no longer shown on the board."""

    slug = "not-shown"
    code = "not_shown"
    kind = Kind.GONE


class NoSuchResume(NotFound):
    """Resume not found, or you do not have access to it."""

    code = "resume_not_found"


class NoSuchApplication(NotFound):
    """Application not found, or it is not yours."""

    code = "application_not_found"


class OtherSide(AppError):
    """Only the other side of the application can do this."""

    slug = "other-side"
    code = "other_side"
    kind = Kind.FORBIDDEN
