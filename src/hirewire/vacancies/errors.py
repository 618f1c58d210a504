"""Errors that several features of `vacancies` raise."""

from hirewire.kit.errors import NotFound


class NoSuchVacancy(NotFound):
    """Vacancy not found, or you do not have access to it."""

    code = "vacancy_not_found"


class NoSuchResume(NotFound):
    """Resume not found, or you do not have access to it."""

    code = "resume_not_found"
