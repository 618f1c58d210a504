"""Answers of the services to operators of the board."""

from collections.abc import Mapping

from hirewire.web.api.models.base import Model, Moment


class PersonLine(Model):
    """A person in a list."""

    id: str
    email: str
    role: str
    emailVerified: bool
    registeredAt: Moment
    blockedAt: Moment | None = None


class Person(PersonLine):
    """A person, as operators see them."""

    blockedBy: str | None = None
    blockedWhy: str | None = None
    language: str | None = None
    sessions: int = 0
    seenAt: Moment | None = None


class Act(Model):
    """Something that an operator did."""

    id: str
    at: Moment
    operatorId: str | None = None
    """None: the command line of the server."""
    act: str
    subjectKind: str
    subjectId: str
    why: str
    details: Mapping[str, str] = {}


class PersonAddress(Model):
    """The address of a person."""

    id: str
    email: str
