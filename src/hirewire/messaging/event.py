"""The base class of events: a frozen model with a name on the wire, an owner and a key."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import from_json, to_json

from hirewire.messaging.ids import text_of

Erasure: TypeAlias = Literal["asks", "answers"]
"""The part that an event plays in the erasure of its subject."""
NOBODY = ""
"""The subject of an event that is about no person."""
REDACTED = "redacted"
"""Member of a body that says so once the body has been redacted: ``"redacted": true``."""

Upcast: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts the payload of one version to the next, both as parsed JSON."""

EVENTS: dict[str, type["Event"]] = {}
"""Every event class by its name on the wire."""


class Event(BaseModel):
    """Base class of all published events.

    A subclass states, as literals, how it is identified on the wire and in the ledger:

    - `name`: type and routing key, e.g. ``user.registered``;
    - `owner`: the only service that publishes it;
    - `key`: the field that holds the aggregate's id.

    Events of one key and owner take effect everywhere in the order in which their transactions
    committed. After an incompatible change of the payload it also states:

    - `schema_version`: a whole number, 1 at first, sent beside the payload;
    - `upcasts`: for each former version, the function that converts its payload to the next one.

    And whose data it carries, so that these can be erased later (see `redacted`):

    - `subject`: the field with the id of the person whom the event is about, or `NOBODY`;
    - `personal`: by field, what replaces it once that person is erased; `...` leaves it out;
    - `erasure`: ``asks`` for an event that says that its subject is erased, ``answers`` for one
      that says that it was done. These are handled as always; all other events about an erased
      person take no effect.

    A class without name, owner and key, or without an upcast, raises `TypeError` when it is
    defined, so a service with such a class does not start. Fields are camelCase on the wire;
    consumers ignore unknown ones.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        ser_json_inf_nan="constants",
    )

    name: ClassVar[str]
    owner: ClassVar[str]
    key_field: ClassVar[str]
    schema_version: ClassVar[int] = 1
    upcasts: ClassVar[Mapping[int, Upcast]] = {}
    subject_field: ClassVar[str | None] = None
    """`NOBODY` for no person; None: the class does not say."""
    personal: ClassVar[Mapping[str, Any]] = {}
    erasure: ClassVar[Erasure | None] = None

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        owner: str = "",
        key: str = "",
        schema_version: int = 1,
        upcasts: Mapping[int, Upcast] | None = None,
        subject: str | None = None,
        personal: Mapping[str, Any] | None = None,
        erasure: Erasure | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.owner, cls.key_field = name, owner, key
        cls.schema_version, cls.upcasts = schema_version, upcasts or {}
        cls.subject_field, cls.personal, cls.erasure = subject, personal or {}, erasure

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.name or not cls.owner:
            raise TypeError(f"event class {cls.__name__} has no name or no owner")
        if cls.key_field not in cls.model_fields:
            raise TypeError(
                f"event class {cls.__name__} ({cls.name}) has no key: key={cls.key_field!r} "
                "must name the field that holds the aggregate's id"
            )
        for field in (*filter(None, [cls.subject_field]), *cls.personal):
            if field not in cls.model_fields:
                raise TypeError(f"event class {cls.__name__} ({cls.name}) has no field {field!r}")
        if cls.personal and not cls.subject_field:
            raise TypeError(f"event class {cls.__name__} ({cls.name}): whose is `personal`?")
        if set(cls.upcasts) != set(range(1, cls.schema_version)):
            raise TypeError(
                f"event class {cls.__name__} ({cls.name}) is of version {cls.schema_version}: "
                "it needs an upcast of each version before it"
            )
        if cls.name in EVENTS and EVENTS[cls.name].__qualname__ != cls.__qualname__:
            raise TypeError(f"two event classes are named {cls.name}")
        EVENTS[cls.name] = cls

    @classmethod
    def read(cls, body: bytes | str, version: int = 1) -> Self:
        """The event from a payload of this version, converted to the current version.

        Raises `pydantic.ValidationError`, and whatever an upcast raises for an invalid payload.
        `version` is at most the class's own.
        """
        if version == cls.schema_version:
            return cls.model_validate_json(body)
        payload = from_json(body)
        for before in range(version, cls.schema_version):
            payload = cls.upcasts[before](payload)
        return cls.model_validate_json(to_json(payload))

    @property
    def key(self) -> str:
        """The aggregate's id, as text."""
        return _text(getattr(self, self.key_field))

    @property
    def subject(self) -> str | None:
        """The id of the person whom it is about, as text; None for nobody."""
        return _text(getattr(self, self.subject_field)) if self.subject_field else None

    @classmethod
    def redacted(cls, body: bytes | str) -> bytes:
        """The payload without the data of its subject: ids and counts stay, of any version.

        It fits the class still, and says that it was redacted. What the class does not know is left
        out. A payload that cannot be read becomes an empty one.
        """
        try:
            payload = from_json(body)
        except ValueError:
            payload = None
        kept: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            member = field.alias or name
            if isinstance(payload, dict) and member in payload:
                value = cls.personal.get(name, payload[member])
                if value is not ...:
                    kept[member] = value
        return to_json(kept | {REDACTED: True})

    def body(self) -> bytes:
        """The payload as plain JSON in UTF-8, camelCase, without fields that are not set."""
        return self.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _text(value: object) -> str:
    return text_of(value) if isinstance(value, UUID) else str(value)
