"""The setting of OpenID Connect providers that people can sign in with."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")


class SignInProvider(BaseModel):
    """An OpenID Connect provider, and what it knows this board as."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(max_length=500)
    """Exactly as the provider writes it, with or without a slash at the end."""
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: str = Field(min_length=1, max_length=2000, repr=False)
    name: str = Field(min_length=1, max_length=40)
    """As the pages show it."""

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("must have no user, query or fragment")
        if not is_safe(value):
            raise ValueError("not an https:// address")
        return value


def is_safe(address: str) -> bool:
    """Whether an address is encrypted, or on this machine."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def parsed(given: object) -> dict[str, SignInProvider]:
    """The providers of the setting by id.

    Raises `ValueError` that names the provider and the member, and never quotes a value.
    """
    if not isinstance(given, Mapping):
        raise ValueError('not an object such as {"google": {"issuer": "https://…", …}}')
    return {str(id): _provider(str(id), members) for id, members in given.items()}


def _provider(id: str, members: object) -> SignInProvider:
    if isinstance(members, SignInProvider):
        return members
    if ID.fullmatch(id) is None:
        raise ValueError("the id of a provider has up to 30 characters a-z, 0-9 and -")
    if not isinstance(members, Mapping):
        raise ValueError(f"{id}: not an object")
    try:
        return SignInProvider.model_validate(_with_secret(dict(members)))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, found["loc"]))
        raise ValueError(f"{id}: {place}: {found['msg'].removeprefix('Value error, ')}") from None
    except OSError as error:
        raise ValueError(
            f"{id}: client_secret_file: {type(error).__name__} reading the file"
        ) from None


def _with_secret(members: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The members with the secret of `client_secret_file`, if that is given."""
    file = members.pop("client_secret_file", None)
    if isinstance(file, str) and "client_secret" not in members:
        members["client_secret"] = Path(file).read_text(encoding="utf-8").strip()
    elif file is not None:
        members["client_secret_file"] = file  # refused as unknown
    return members
