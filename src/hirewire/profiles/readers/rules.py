"""What a company reads of a resume: as it is while an application is open, then as it was."""

import json
from collections.abc import Mapping
from typing import Any, Literal

Effect = Literal["opens", "ends", "withdraws"]
_ENDED = ("hired", "discard_by_employer", "discard_vacancy_closed")
_KEPT = (
    *("id", "version", "title", "summary", "area", "relocation", "employment_types"),
    *("work_formats", "salary", "skills", "languages", "certificates", "links", "projects"),
    *("updated_at", "full_name", "headline", "contacts", "locale", "profile_links"),
)
_OF_OTHERS = "references"
"""The section that names other people, and how to reach them."""


def effect_of(stage: str, applicant_state: str) -> Effect | None:
    """What an application's move does to the resume; None for an invitation without an answer."""
    if stage == "discard_by_applicant":
        return "withdraws"
    if stage in _ENDED:
        return "ends"
    return None if stage == "response" and applicant_state == "invited" else "opens"


def kept(whole: Mapping[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a resume (its row, experience, education, its owner) for a company that has
    an application with it, as JSON. `sections` are those of its imported document that are shown.
    """
    content = {name: whole.get(name) for name in _KEPT} | {"imported": dict(sections)}
    for name in ("experience", "education"):
        content[name] = [
            {key: value for key, value in item.items() if key != "imported"} for item in whole[name]
        ]
    found: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return found


def without_contacts(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What of it stays readable once the application was withdrawn: nothing that reaches them."""
    sections = {key: value for key, value in kept["imported"].items() if key != _OF_OTHERS}
    return dict(kept) | {
        "contacts": [],
        "links": [],
        "profile_links": [],
        "full_name": name_without_contacts(kept["full_name"]),
        "imported": sections,
    }


def name_without_contacts(name: str | None) -> str | None:
    """A name; None for an address, which stands for it until a person gives one."""
    return None if name and "@" in name else name
