"""Proofs that somebody reads the mails to an address: the token of a link, or a code."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from hirewire.kit.errors import AppError, Kind
from hirewire.kit.models import Body


class InvalidCode(AppError):
    """This code is wrong or has expired; ask for a new one."""

    slug = "invalid-code"
    code = "invalid_code"
    kind = Kind.GONE


class Proof(Body):
    """The token of the link in the mail, or the code."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("token", "code")
            ]
        }
    )

    token: Annotated[str | None, Field(max_length=1000, repr=False)] = None
    code: Annotated[str | None, Field(max_length=100, repr=False)] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.code is None):
            raise PydanticCustomError("token_or_code", "either the token or the code")
        return self

    @property
    def digits(self) -> str:
        """The code as it was sent: people group digits with spaces."""
        return "".join((self.code or "").split())
