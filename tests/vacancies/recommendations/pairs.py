"""Vacancies and resumes for tests, as database rows and as in events."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

SKILLS = [
    "права CE",
    "Python",
    "SQL",
    "JavaScript",
    "C++",
    "PostgreSQL",
    "Gardening",
    "Own thing",
    "js",
]
TITLES = ["Медсестра", "Водитель автобуса", "Lamplighter of the old town", "Водитель B, C"]
ASKED_TITLES = ["Python developer", "Gardener", "Senior developer", "", "Nurse", *TITLES]
OFFERED_TITLES = [None, "Software developer", "Head gardener", "Truck driver", *TITLES]
AREAS = ["Omsk", "Tbilisi", None]
TEXT = "<p>Requirements:</p><ul><li>PostgreSQL, Python</li><li>English</li><li>2 years</li></ul>"
COMPANY = UUID(int=7)
levels = st.sampled_from([None, 1, 2, 3, 4, 5])
skills = st.lists(st.sampled_from(SKILLS), max_size=7, unique=True)


@st.composite
def vacancies(draw: st.DrawFn) -> dict[str, Any]:
    """A vacancy's row."""
    pay = draw(st.none() | st.tuples(st.integers(0, 500), st.integers(0, 500)))
    return {
        "title": draw(st.sampled_from(ASKED_TITLES)),
        "requirements": [
            {"skill": name, "kind": draw(st.sampled_from(["must", "nice"])), "level": draw(levels)}
            for name in draw(skills)
        ],
        "experience": draw(st.sampled_from([None, "noExperience", "between1And3", "moreThan6"])),
        "employment_type": draw(st.sampled_from([None, "FULL_TIME", "PART_TIME"])),
        "work_format": draw(st.sampled_from([None, "remote", "on_site"])),
        "area": draw(st.sampled_from(AREAS)),
        "salary": pay
        and {
            "min": min(pay),
            "max": max(pay),
            "currency": draw(st.sampled_from(["RUB", "USD"])),
            "unit": draw(st.sampled_from(["MONTH", "YEAR"])),
        },
        "languages": draw(
            st.lists(st.just({"language": "English", "level": "B1"}), max_size=1)
            | st.just([{"language": "русский", "level": None}])
        ),
        "company_id": COMPANY,
        "description": draw(st.sampled_from([None, TEXT])),
    }


@st.composite
def resumes(draw: st.DrawFn) -> dict[str, Any]:
    """A resume's snapshot."""
    return {
        "title": draw(st.sampled_from(OFFERED_TITLES)),
        "skills": [{"name": name, "level": draw(levels)} for name in draw(skills)],
        "experience": [{"skills": draw(st.lists(st.sampled_from(SKILLS), max_size=2))}],
        "experienceMonths": draw(st.integers(0, 100)),
        "area": draw(st.sampled_from(AREAS)),
        "hiddenFrom": draw(st.sampled_from([[], [], [COMPANY]])),
        "relocation": draw(st.booleans()),
        "workFormats": draw(st.lists(st.sampled_from(["remote", "on_site"]), max_size=2)),
        "employmentTypes": draw(st.lists(st.sampled_from(["FULL_TIME", "PART_TIME"]), max_size=2)),
        "salary": draw(
            st.none()
            | st.builds(
                lambda amount, currency: {"amount": amount, "currency": currency},
                st.integers(0, 700),
                st.sampled_from(["RUB", "USD"]),
            )
        ),
        "languages": draw(
            st.lists(st.just({"language": "английский", "level": "B2"}), max_size=1)
            | st.just([{"language": "ru", "level": "native"}])
        ),
    }
