"""Errors of calendar files."""

from hirewire.kit.errors import AppError, Kind, NotFound


class NoSuchFeed(NotFound):
    """There is no calendar at this address, or not any more."""

    code = "calendar_not_found"


class NotAgreed(NotFound):
    """There is no such interview, or its time is not agreed."""

    code = "interview_not_agreed"


class TooManyReads(AppError):
    """This calendar was read too often; try again later."""

    slug = "too-many-reads"
    code = "too_many_reads"
    kind = Kind.TOO_MANY
