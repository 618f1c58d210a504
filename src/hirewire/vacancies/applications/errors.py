"""Errors of the actions on applications."""

from hirewire.kit.errors import AppError, Kind


class ResumeIsDraft(AppError):
    """The resume is a draft: publish it first."""

    slug = "resume-is-draft"
    code = "resume_is_draft"
    kind = Kind.CONFLICT


class TooManyInvitations(AppError):
    """Your company has reached the daily limit of invitations; try again later."""

    slug = "too-many-invitations"
    code = "too_many_invitations"
    kind = Kind.TOO_MANY


class TooManyMessages(AppError):
    """You have reached the daily limit of messages; try again later."""

    slug = "too-many-messages"
    code = "too_many_messages"
    kind = Kind.TOO_MANY


class VacancyNotOpen(AppError):
    """The vacancy is not accepting applications."""

    slug = "vacancy-not-open"
    code = "vacancy_not_open"
    kind = Kind.CONFLICT


class OwnVacancy(AppError):
    """You cannot apply to your own company."""

    slug = "own-vacancy"
    code = "own_vacancy"
    kind = Kind.CONFLICT


class AlreadyApplied(AppError):
    """There is already an open application with this resume."""

    slug = "already-applied"
    code = "already_applied"
    kind = Kind.CONFLICT


class MoveNotAllowed(AppError):
    """This action is not allowed in the application's current stage."""

    slug = "move-not-allowed"
    code = "move_not_allowed"
    kind = Kind.CONFLICT
