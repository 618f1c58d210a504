"""Structured CloudEvents: attributes and payload in one JSON body, from other programs.

They are converted on arrival to the only form that the rest of the code knows: attributes as
headers, the payload as the body (binary mode). CloudEvents 1.0, JSON format and AMQP binding.
"""

import base64
import binascii
import re
from collections.abc import Mapping

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from hirewire.messaging.envelope import BOM, MAX_BODY

PREFIX = "application/cloudevents"
"""The common prefix of the content types of structured events."""
_JSON = f"{PREFIX}+json"
_NAME = re.compile(r"[a-z0-9]{1,64}")
_REQUIRED = ("specversion", "id", "source", "type")


def unwrapped(body: bytes, content_type: str) -> tuple[dict[str, str], bytes]:
    """The attributes as text, and the payload. Raises `ValueError` with the reason."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _JSON:
        raise ValueError(f"only {_JSON} is read, one event a message")
    if len(body) > MAX_BODY:
        raise ValueError(f"body of {len(body)} bytes; at most {MAX_BODY}")
    try:
        event = from_json(body.removeprefix(BOM), allow_inf_nan=False)
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(event, dict):
        raise ValueError("the body is no JSON object")
    attributes = {
        name: _text(name, value)
        for name, value in event.items()
        if name not in ("data", "data_base64") and value is not None
    }
    for name in _REQUIRED:
        if not attributes.get(name):
            raise ValueError(f"{name} is missing")
    if attributes["specversion"] != "1.0":
        raise ValueError("specversion is not 1.0")
    return attributes, _payload(event, attributes.pop("datacontenttype", "application/json"))


def _text(name: str, value: object) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("an attribute has a name that is not of small letters and digits")
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        raise ValueError(f"{name} is no text, whole number or boolean")
    return str(value)


def _payload(event: Mapping[str, JsonValue], kind: str) -> bytes:
    essence = kind.partition(";")[0].strip().lower()
    if not essence.endswith(("/json", "+json")):
        raise ValueError("datacontenttype: only JSON is read")
    if event.get("data_base64") is None:
        return to_json(event.get("data"))
    if event.get("data") is not None:
        raise ValueError("data and data_base64 exclude each other")
    encoded = event["data_base64"]
    try:
        if not isinstance(encoded, str):
            raise ValueError("no text")
        return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("data_base64 is not base64") from None
