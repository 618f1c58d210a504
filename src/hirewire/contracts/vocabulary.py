"""Enumerations shared by vacancies, resumes and searches, with their JSON values."""

from typing import Literal, TypeAlias

EmploymentType: TypeAlias = Literal[
    "FULL_TIME",
    "PART_TIME",
    "CONTRACTOR",
    "TEMPORARY",
    "INTERN",
    "VOLUNTEER",
    "PER_DIEM",
    "OTHER",
]
Experience: TypeAlias = Literal["noExperience", "between1And3", "between3And6", "moreThan6"]
LanguageLevel: TypeAlias = Literal["A1", "A2", "B1", "B2", "C1", "C2", "native"]
WorkFormat: TypeAlias = Literal["on_site", "hybrid", "remote"]
