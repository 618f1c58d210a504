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
