"""The calls of a service, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
"""A part of an OpenAPI document, which may have any members."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a service."""

    method: str
    path: str
    what: str
    parameters: list[str]
    """The parameters of the query string."""
    fields: list[tuple[str, str, bool]]
    """Name and type of each field of the body, and whether it is required."""


def calls(document: Schema) -> list[Call]:
    """The calls of the service."""
    schemas = _at(document, "components", "schemas")
    return [
        Call(
            method=method.upper(),
            path=path,
            what=str(call.get("description", "")),
            parameters=[str(p["name"]) for p in _all(call.get("parameters")) if p["in"] == "query"],
            fields=_fields(call, schemas),
        )
        for path, methods in _members(_at(document, "paths"))
        for method, call in _members(methods)
    ]


def _fields(call: Schema, schemas: Schema) -> list[tuple[str, str, bool]]:
    schema = _at(call, "requestBody", "content", "application/json", "schema")
    for option in _all(schema.get("anyOf")) or [schema]:
        if "$ref" in option:
            schema = _at(schemas, _referred(option))
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return [
        (name, _kind(field), name in names) for name, field in _members(_at(schema, "properties"))
    ]


def _kind(field: Schema) -> str:
    if "$ref" in field:
        return _referred(field)
    if options := _all(field.get("anyOf")):
        return " | ".join(_kind(option) for option in options)
    if isinstance(values := field.get("enum"), list):
        return " | ".join(map(str, values))
    if field.get("type") == "array":
        return f"[{_kind(_at(field, 'items'))}]"
    return str(field.get("format") or field.get("type", "any"))


def _referred(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _at(document: Schema, *path: str) -> Schema:
    """The object at this path; an empty one if there is none."""
    for name in path:
        found = document.get(name)
        document = found if isinstance(found, dict) else {}
    return document


def _all(listed: JsonValue) -> list[Schema]:
    """The objects in a list."""
    items = listed if isinstance(listed, list) else []
    return [one for one in items if isinstance(one, dict)]


def _members(document: Schema) -> Iterator[tuple[str, Schema]]:
    """The members of an object that are objects."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield name, value
