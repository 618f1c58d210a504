"""What an event is: a frozen model with a name on the wire, an owner and a key."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

EVENTS: dict[str, type["Event"]] = {}
"""Every event class by its name on the wire."""


class Event(BaseModel):
    """Base of all published events.

    A subclass states, as literals, what the wire and the books know it by:

    - `name`: type and routing key, e.g. ``user.registered``;
    - `owner`: the one service that publishes it;
    - `key`: the field that holds the aggregate's id. Events of one key, within their owner, take
      effect everywhere in the order in which their transactions committed.

    A class without them does not come into being (`TypeError`), so a service with such a class
    does not start. Fields are camelCase on the wire; unknown ones are ignored by a reader.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )

    name: ClassVar[str]
    owner: ClassVar[str]
    key_field: ClassVar[str]

    def __init_subclass__(
        cls, *, name: str = "", owner: str = "", key: str = "", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.owner, cls.key_field = name, owner, key

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
        if cls.name in EVENTS and EVENTS[cls.name].__qualname__ != cls.__qualname__:
            raise TypeError(f"two event classes are named {cls.name}")
        EVENTS[cls.name] = cls

    @property
    def key(self) -> str:
        """The aggregate's id, as text."""
        return str(getattr(self, self.key_field))

    def body(self) -> bytes:
        """The payload as plain JSON, camelCase, without what is not set; UTF-8."""
        return self.model_dump_json(by_alias=True, exclude_unset=True).encode()
