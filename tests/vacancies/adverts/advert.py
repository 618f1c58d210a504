"""An advert as an employer pastes it, and what is in it."""

from dataclasses import dataclass, field

Pay = tuple[int | None, int | None, str, str, bool]
"""From, to, currency, unit, and whether it is before taxes."""


@dataclass(frozen=True)
class Advert:
    name: str
    text: str
    title: str
    city: str | None = None
    work_format: str | None = None
    employment: str | None = None
    experience: str | None = None
    pay: Pay | None = None
    languages: list[tuple[str, str | None]] = field(default_factory=list)
    must: list[str] = field(default_factory=list)
    nice: list[str] = field(default_factory=list)
