"""Changes that break readers are found, and compatible ones are allowed."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.catalogue.compatibility import Break, breaks

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "phone": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
        "role": {"enum": ["applicant", "employer"], "type": "string"},
        "level": {"type": "integer", "minimum": 1, "maximum": 5},
        "tags": {"type": "array", "items": {"type": "string"}},
        "skills": {"type": "array", "items": {"$ref": "#/$defs/Skill"}},
        "best": {"anyOf": [{"$ref": "#/$defs/Skill"}, {"type": "null"}]},
    },
    "required": ["id", "phone"],
    "$defs": {
        "Skill": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "years": {"type": "integer"}},
            "required": ["name"],
        }
    },
}


def changed(**replaced: Any) -> dict[str, Any]:
    """The schema with some fields replaced; None removes a field."""
    schema = copy.deepcopy(SCHEMA)
    for name, value in replaced.items():
        if value is None:
            del schema["properties"][name]
        else:
            schema["properties"][name] = value
    return schema


def required(*names: str) -> dict[str, Any]:
    return {**SCHEMA, "required": list(names)}


def skill(**properties: Any) -> dict[str, Any]:
    schema = copy.deepcopy(SCHEMA)
    schema["$defs"]["Skill"] = {
        "type": "object",
        "properties": properties,
        "required": ["name"],
    }
    return schema


STRING = {"type": "string"}
REFUSED = [
    (changed(tags=None), "tags", "was removed"),
    (changed(id=None), "id", "was removed"),
    (required("id", "phone", "level"), "level", "made required"),
    (required("id"), "phone", "no longer required"),
    ({**changed(extra=STRING), "required": ["id", "phone", "extra"]}, "extra", "new and required"),
    (changed(phone={"type": "string", "maxLength": 20}), "phone", "may no longer be null"),
    (changed(level={"type": ["integer", "null"]}), "level", "may now be null"),
    (changed(level={"type": "string"}), "level", "may no longer be integer"),
    (changed(role={"enum": ["applicant"], "type": "string"}), "role", "no longer be employer"),
    (changed(tags={"type": "array", "items": {"enum": ["a"]}}), "tags[]", "one of ['a'] only"),
    (changed(level={"type": "integer", "minimum": 2, "maximum": 5}), "level", "minimum"),
    (changed(level={"type": "integer", "minimum": 1, "maximum": 4}), "level", "maximum"),
    (
        changed(phone={"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}),
        "phone",
        "maxLength",
    ),
    (changed(id={"type": "string"}), "id", "format"),
    (
        changed(tags={"type": "array", "items": {"type": "integer"}}),
        "tags[]",
        "no longer be string",
    ),
    (skill(name=STRING), "skills[].years", "was removed"),
    (skill(name=STRING), "best.years", "was removed"),
    ({**SCHEMA, "additionalProperties": False}, "", "unknown fields"),
]
ALLOWED = [
    SCHEMA,
    changed(extra=STRING),
    changed(role={"enum": ["applicant", "employer", "admin"], "type": "string"}),
    changed(level={"type": "integer", "minimum": 0, "maximum": 10}),
    skill(name=STRING, years={"type": "integer"}, level={"type": "integer"}),
]


@pytest.mark.parametrize(("schema", "path", "what"), REFUSED)
def test_a_breaking_change_is_named(schema: dict[str, Any], path: str, what: str) -> None:
    found = breaks(SCHEMA, schema)
    assert any(one.path == path and what in one.what for one in found), found


@pytest.mark.parametrize("schema", ALLOWED)
def test_compatible_changes_are_allowed(schema: dict[str, Any]) -> None:
    assert breaks(SCHEMA, schema) == []


@given(st.sets(st.sampled_from(sorted(SCHEMA["properties"])), min_size=1))
def test_each_removed_field_is_named(names: set[str]) -> None:
    schema = {**changed(**dict.fromkeys(names)), "required": []}
    removed = {one.path for one in breaks(SCHEMA, schema) if one == Break(one.path, "was removed")}
    assert removed == names
