"""Answers of `auth`."""

from hirewire.web.api.models.base import Model


class Tokens(Model):
    """The tokens of a session."""

    accessToken: str
    refreshToken: str


class Account(Model):
    """A user's account."""

    id: str
    email: str = ""
