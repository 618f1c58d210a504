"""Parts of a resume in responses, to its owner and to its readers."""

from uuid import UUID

from hirewire.kit.models import Answer


class KnownSkill(Answer):
    """A skill and its level (1 to 5)."""

    name: str
    level: int | None = None


class SpokenLanguage(Answer):
    """A language and its level."""

    language: str
    level: str | None = None


class ExpectedSalary(Answer):
    """The expected salary."""

    amount: int
    currency: str
    unit: str = "MONTH"


class ShownCertificate(Answer):
    """A certificate."""

    name: str
    issuer: str | None = None
    date: str | None = None
    url: str | None = None


class ShownLink(Answer):
    """A link."""

    url: str
    label: str | None = None


class ShownProject(Answer):
    """A project and its results."""

    name: str
    url: str | None = None
    start: str | None = None
    end: str | None = None
    description: str | None = None
    highlights: list[str] = []


class SectionEntry(Answer):
    """An entry of an imported section."""

    title: str | None
    by: str | None
    text: str | None
    start: str | None
    end: str | None
    url: str | None
    lines: list[str]


class ShownContact(Answer):
    """A contact of a person."""

    kind: str
    value: str
    preferred: bool = False


class Position(Answer):
    """A position of the work experience."""

    id: UUID
    company: str | None
    position: str | None
    start: str | None
    end: str | None
    description: str | None
    highlights: list[str]
    skills: list[str]


class Study(Answer):
    """An education entry."""

    id: UUID
    organization: str | None
    level: str | None
    field: str | None
    start_year: int | None
    end_year: int | None
