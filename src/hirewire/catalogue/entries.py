"""Every published event with its owner and subscribers, and the schema of its payload."""

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from hirewire import assembly
from hirewire.messaging.event import Event
from hirewire.messaging.subscriptions import Subscription


@dataclass(frozen=True)
class Entry:
    """An event and its subscribers."""

    event: type[Event]
    subscribers: Mapping[str, Sequence[Subscription]]

    @property
    def name(self) -> str:
        """Its name on the wire."""
        return self.event.name


@cache
def entries() -> tuple[Entry, ...]:
    """Every published event, owner by owner."""
    pages = [assembly.service(name) for name in assembly.SERVICES]
    return tuple(
        Entry(
            event,
            {
                page.name: [s for s in page.subscriptions if s.event is event]
                for page in pages
                if event.name in page.consumes
            },
        )
        for owner in pages
        for event in sorted(owner.publishes, key=lambda event: event.name)
    )


def schema_of(event: type[Event]) -> JsonSchemaValue:
    """The payload's JSON Schema (2020-12), with the meaning of each field."""
    schema = event.model_json_schema(by_alias=True)
    models = {model.__name__: model for model in _models(event)}
    _describe(schema, event)
    for name, part in schema.get("$defs", {}).items():
        if name in models:
            _describe(part, models[name])
    found: JsonSchemaValue = without(schema, {"title"})
    return found


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = [model]
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if inspect.isclass(part) and issubclass(part, BaseModel):
                found += _models(part)
    return found


def _parts(annotation: Any) -> list[Any]:
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(part for one in inner for part in _parts(one))]


def _describe(schema: JsonSchemaValue, model: type[BaseModel]) -> None:
    schema["description"] = plain(model.__doc__ or "")
    texts = _attribute_docs(model)
    for name, field in model.model_fields.items():
        if name in texts:
            schema["properties"][field.alias or name]["description"] = texts[name]


@cache
def _attribute_docs(model: type[BaseModel]) -> Mapping[str, str]:
    """The strings under the fields of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = plain(str(text.value.value))
    return found


def plain(text: str) -> str:
    """A docstring as one line."""
    return " ".join(inspect.cleandoc(text).split())


def without(value: Any, names: set[str]) -> Any:
    """A schema without these keywords; a property of such a name stays."""
    if isinstance(value, list):
        return [without(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: without(part, names) for name, part in inner.items()}
        if key in ("properties", "$defs")
        else without(inner, names)
        for key, inner in value.items()
        if key not in names
    }
