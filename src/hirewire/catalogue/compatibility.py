"""Compares two versions of an event's JSON Schema, and finds changes that break readers.

Services and foreign programs are not deployed at once, and logs and queues hold what was published
before. So a change must leave two things true: a present reader can read what is written from now
on, and a reader from now on can read what was written until now. That leaves: a new optional
field, a new value of an enumeration (readers take an unknown one for the general case), a
constraint loosened for what is not an enumeration's type, a new event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

TIGHTER = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "minItems": 1,
    "minProperties": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxLength": -1,
    "maxItems": -1,
    "maxProperties": -1,
}
"""Constraints, and whether a greater (1) or a smaller (-1) value allows less."""


@dataclass(frozen=True, slots=True)
class Break:
    """A change that breaks a present reader, or a message that was published before."""

    path: str
    """Of the field, with ``[]`` for the items of a list."""
    what: str


def breaks(old: Schema, new: Schema) -> list[Break]:
    """The breaking changes from `old` to `new` (whole event schemas, with their ``$defs``)."""
    return list(_compare(old, new, old, new, ""))


def _compare(old: Schema, new: Schema, a: Schema, b: Schema, path: str) -> Iterator[Break]:
    old_kinds, new_kinds = _kinds(old, a), _kinds(new, b)
    for kind in old_kinds.keys() - new_kinds.keys():
        yield Break(path, f"may no longer be {kind}")
    for kind in new_kinds.keys() - old_kinds.keys():
        yield Break(path, f"may now be {kind}, which present readers do not expect")
    for kind in sorted(old_kinds.keys() & new_kinds.keys()):
        before, after = old_kinds[kind], new_kinds[kind]
        yield from _constraints(before, after, path)
        if kind == "object":
            yield from _object(before, after, a, b, path)
        elif kind == "array":
            yield from _compare(before.get("items", {}), after.get("items", {}), a, b, f"{path}[]")


def _object(old: Schema, new: Schema, a: Schema, b: Schema, path: str) -> Iterator[Break]:
    was, now = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name in was.keys() - now.keys():
        yield Break(_join(path, name), "was removed")
    for name in sorted(now.keys() - was.keys()):
        if name in needs:
            yield Break(
                _join(path, name), "is new and required: messages written before do not have it"
            )
    for name in sorted(was.keys() & now.keys()):
        place = _join(path, name)
        if name in needs - needed:
            yield Break(place, "was made required: messages written before may lack it")
        if name in needed - needs:
            yield Break(place, "is no longer required, and present readers rely on it")
        yield from _compare(was[name], now[name], a, b, place)
    if old.get("additionalProperties", True) and new.get("additionalProperties", True) is False:
        yield Break(path, "no longer allows unknown fields")


def _constraints(old: Schema, new: Schema, path: str) -> Iterator[Break]:
    for name, direction in TIGHTER.items():
        before, after = old.get(name), new.get(name)
        if after is not None and (before is None or (after - before) * direction > 0):
            yield Break(path, f"{name} was tightened: {before} to {after}")
    for name in ("pattern", "format", "multipleOf"):
        if new.get(name) != old.get(name):
            yield Break(path, f"{name} was changed: {old.get(name)} to {new.get(name)}")
    before, after = _values(old), _values(new)
    if after is not None and before is None:
        yield Break(path, f"may now be one of {sorted(map(str, after))} only")
    elif after is not None and before is not None and before - after:
        yield Break(path, f"may no longer be {', '.join(sorted(map(str, before - after)))}")


def _values(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _kinds(schema: Schema, root: Schema) -> dict[str, Schema]:
    """The JSON types that a schema allows, each with the schema for it."""
    schema = _resolved(schema, root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        kinds: dict[str, Schema] = {}
        for option in options:
            kinds |= _kinds(option, root)
        return kinds
    kind = schema.get("type")
    if kind is None:
        values = _values(schema)
        return {"string" if values and all(isinstance(v, str) for v in values) else "any": schema}
    return dict.fromkeys([kind] if isinstance(kind, str) else kind, schema)


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = root["$defs"][name]
    return schema


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
