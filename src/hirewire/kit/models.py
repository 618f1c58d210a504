"""Base classes and field types for request and response bodies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    HttpUrl,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function

MOST_MEMBERS = 200
"""Most members of an object: naming a hundred thousand unknown ones costs seconds."""
LONGEST_NAME = 200
"""The longest member name that an error quotes, in characters."""
LONGEST_LINK = 2000
NUL_FOUND = "must not contain the NUL character"
NO_NUL = r"^[^\x00]*$"
"""The pattern of every text in the OpenAPI document that has no other pattern."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_BLANK = r"^[^\x00]*[^\s\x00\x85][^\x00]*$"
_LEAP = r"(19(0[48]|[2468][048]|[13579][26])|20([02468][048]|[13579][26]))-02-29"
_MONTHS = (
    r"(0[1-9]|1[0-2])",
    r"(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])",
    r"(0[469]|11)-(0[1-9]|[12][0-9]|30)",
    r"02-(0[1-9]|1[0-9]|2[0-8])",
)
PARTIAL_DATE = rf"^((19[0-9][0-9]|20[0-9][0-9]|2100)(-({'|'.join(_MONTHS)}))?|{_LEAP})$"
"""Pattern of `YYYY`, `YYYY-MM` or `YYYY-MM-DD` in the calendar, from 1900 to 2100."""
_BEGINS_WITH_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _without_nul(value: Any) -> Any:
    """Refuse NUL, which PostgreSQL's text cannot contain, and lone surrogates, which are no
    characters.
    """
    if isinstance(value, str):
        if "\x00" in value:
            raise PydanticCustomError("unsupported_character", NUL_FOUND)
        if _SURROGATE.search(value):
            raise PydanticCustomError("unsupported_character", "must be valid Unicode")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("not_a_number", "must be a number")
    return value


def _truth(value: Any) -> Any:
    if not isinstance(value, bool):
        raise PydanticCustomError("not_a_boolean", "must be true or false")
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, date):  # of a model that a program makes, not a request; also a datetime
        return value
    if not isinstance(value, str) or not _BEGINS_WITH_A_DATE.match(value):
        raise PydanticCustomError("not_a_date", "must be a date as in RFC 3339, and no number")
    return value


_OF_ITS_KIND = {
    "int": _number,
    "float": _number,
    "bool": _truth,
    "date": _moment,
    "datetime": _moment,
}


def _of_its_kind(schema: Any, model: type[BaseModel]) -> Any:
    """The schema, with numbers, booleans and times that accept only their own JSON types.

    Nested models have already done the same for their schemas.
    """
    if isinstance(schema, (list, tuple)):
        return type(schema)(_of_its_kind(part, model) for part in schema)
    if not isinstance(schema, dict) or (schema.get("type") == "model" and schema["cls"] != model):
        return schema
    if isinstance(schema.get("type"), str) and schema["type"] in _OF_ITS_KIND:
        return no_info_before_validator_function(_OF_ITS_KIND[schema["type"]], schema)
    return {
        name: part if name in ("metadata", "serialization") else _of_its_kind(part, model)
        for name, part in schema.items()
    }


def without_nul(schema: Any) -> None:
    """Add to this JSON Schema and its nested ones that no text has a NUL character."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum"}:
            schema.setdefault("pattern", NO_NUL)
        for part in ("items", "additionalProperties"):
            without_nul(schema.get(part))
        for option in schema.get("anyOf", ()):
            without_nul(option)


class Body(BaseModel):
    """A request body: camelCase, no unknown members, and text that the database can store.

    Numbers, booleans and times must have their own JSON types.
    """

    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True
    )
    is_text: ClassVar[bool] = False
    """Whether all values arrive as text, as in a query string."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """See `_of_its_kind`."""
        schema = handler(source)
        made: CoreSchema = schema if cls.is_text else _of_its_kind(schema, cls)
        return made

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the restrictions of `_check_text` to each field."""
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            without_nul(field)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _check_text(cls, data: Any) -> Any:
        if isinstance(data, dict):
            if len(data) > MOST_MEMBERS:
                raise PydanticCustomError(
                    "too_many_members", "at most {max} members", {"max": MOST_MEMBERS}
                )
            for name, value in data.items():
                for text in value if isinstance(value, list) else (value,):
                    try:
                        _without_nul(text)
                    except PydanticCustomError as error:
                        member = str(name)[:LONGEST_NAME]
                        raise PydanticCustomError(
                            "unsupported_character", f"{{member}}: {error}", {"member": member}
                        ) from None
        return data


class Answer(BaseModel):
    """A response's body: camelCase, readable from rows."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


@dataclass(frozen=True)
class Row:
    """Documents a part of a body as `model` although any JSON passes: ``list[Annotated[Any,
    Row(Line)]]`` is for rows that are checked one by one, so that a wrong one does not refuse all.
    """

    model: type[Body]

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The model's schema, or anything."""
        return {"anyOf": [handler(self.model.__pydantic_core_schema__), {}]}


def Text(min: int = 1, max: int = 200) -> Any:  # noqa: N802  (used as a type)
    """A stripped string of `min` to `max` characters: ``title: Text(1, 200)``.

    Write ``Annotated[str, text(1, 200)]`` where mypy complains.
    """
    return Annotated[str, text(min, max)]


@dataclass(frozen=True)
class _Text(StringConstraints):
    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        if self.min_length:
            yield Field(json_schema_extra={"pattern": _NOT_BLANK})


def text(min: int = 1, max: int = 200) -> StringConstraints:
    """Constraints of a stripped string of `min` to `max` characters."""
    return _Text(strip_whitespace=True, min_length=min, max_length=max)


def _not_too_long(link: HttpUrl) -> HttpUrl:
    """Check the link's length in its normal form, which may be longer than the input."""
    if len(str(link)) > LONGEST_LINK:
        raise PydanticCustomError(
            "url_too_long",
            "at most {max_length} characters, with all others than ASCII encoded",
            {"max_length": LONGEST_LINK},
        )
    return link


WebLink = Annotated[
    HttpUrl,
    AfterValidator(_not_too_long),
    Field(
        json_schema_extra={
            "format": "iri",
            "maxLength": LONGEST_LINK - 1,
            "pattern": "^https?://",
        }
    ),
]
"""A page's address, http or https."""
