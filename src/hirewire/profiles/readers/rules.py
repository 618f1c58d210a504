"""Which parts of a resume a company may read during an application and after it."""

import json
from collections.abc import Mapping
from typing import Literal

from hirewire.profiles.content import Content, Imported

Effect = Literal["opens", "ends", "withdraws"]
_ENDED = ("hired", "discard_by_employer", "discard_vacancy_closed")
_KEPT = (
    *("id", "version", "title", "summary", "area", "relocation", "employment_types"),
    *("work_formats", "salary", "skills", "languages", "certificates", "links", "projects"),
    *("updated_at", "full_name", "headline", "contacts", "locale", "profile_links"),
)
_OF_OTHERS = "references"
"""The section with other people's names and contacts."""


def effect_of(stage: str, applicant_state: str) -> Effect | None:
    """The effect of a stage change on access to the resume; None for an unanswered invitation."""
    if stage == "discard_by_applicant":
        return "withdraws"
    if stage in _ENDED:
        return "ends"
    return None if stage == "response" and applicant_state == "invited" else "opens"


def kept(whole: Content, sections: Imported) -> Content:
    """The copy of a resume (row, experience, education, owner) to store for a company, as JSON.

    `sections` are the sections of the imported document that are shown.
    """
    content = {name: whole.get(name) for name in _KEPT} | {
        "imported": dict(sections),
        "experience": [_without_imported(item) for item in whole["experience"]],
        "education": [_without_imported(item) for item in whole["education"]],
    }
    stored: Content = json.loads(json.dumps(content, default=str))
    return stored


def _without_imported(item: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in item.items() if key != "imported"}


def without_contacts(kept: Content) -> Content:
    """The stored copy after the applicant has withdrawn: without anything that allows contact."""
    sections = kept["imported"] or {}
    return {
        **kept,
        "contacts": [],
        "links": [],
        "profile_links": [],
        "full_name": name_without_contacts(kept["full_name"]),
        "imported": {key: value for key, value in sections.items() if key != _OF_OTHERS},
    }


def name_without_contacts(name: str | None) -> str | None:
    """The name; None for an e-mail address, which is the name until the user enters one."""
    return None if name and "@" in name else name
