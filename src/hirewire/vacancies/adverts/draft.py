"""What is read of an advert, and what has to be known to read it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hirewire.vacancies.adverts.lines import Line
from hirewire.vacancies.adverts.pay import Pay

Known = Callable[[str], bool]
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """What is known of places, skills and job titles."""

    is_city: Known
    is_skill: Known
    is_title: Known


@dataclass(frozen=True, slots=True)
class Requirement:
    """A skill, and the line that names it."""

    skill: str
    kind: str
    line: Line


@dataclass(frozen=True, slots=True)
class LanguageWanted:
    """A language, and the line that names it."""

    language: str
    level: str | None
    line: Line


@dataclass(slots=True)
class Draft:
    """What was read of an advert."""

    title: str | None = None
    description: str | None = None
    area: str | None = None
    work_format: str | None = None
    employment_type: str | None = None
    experience: str | None = None
    salary: Pay | None = None
    languages: list[LanguageWanted] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    """The line that each single fact came from."""

    def take(self, name: str, value: str, line: Line) -> None:
        """Set a field, and the line that it came from."""
        setattr(self, name, value[:LONGEST_NAME])
        self.lines[name] = line
