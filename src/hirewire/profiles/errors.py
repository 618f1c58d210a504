"""Errors that several features of `profiles` raise."""

from hirewire.kit.errors import NotFound


class NoSuchResume(NotFound):
    """Resume not found, or it is not yours."""

    code = "resume_not_found"
