"""Structured CloudEvents are unpacked, or refused with a reason."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hirewire.messaging.structured import unwrapped

KIND = "application/cloudevents+json; charset=UTF-8"
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a-1",
    "source": "/elsewhere",
    "type": "test.noted",
    "data": {"page": "01912d5c-0f4e-7c3a-9b1e-5d2f8a6c7e10", "text": "привет"},
}


def taken_apart(**changes: object) -> tuple[dict[str, str], Any]:
    event = {name: value for name, value in (EVENT | changes).items() if value != "absent"}
    attributes, body = unwrapped(json.dumps(event).encode(), KIND)
    return attributes, json.loads(body)


def test_attributes_are_text_and_the_payload_is_the_body() -> None:
    attributes, payload = taken_apart(sequence=7, sampled=True, subject=None)
    assert payload == EVENT["data"]
    del attributes["specversion"]
    assert attributes == {
        "id": "a-1",
        "source": "/elsewhere",
        "type": "test.noted",
        "sequence": "7",
        "sampled": "true",
    }
    text = json.dumps(EVENT["data"]).encode()
    assert taken_apart(data="absent", data_base64=base64.b64encode(text).decode())[1] == payload
    assert unwrapped(b"\xef\xbb\xbf" + json.dumps(EVENT).encode(), KIND.upper())[0]["id"] == "a-1"
    assert taken_apart(datacontenttype="application/vnd.test+json")[1] == payload


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        *(({name: "absent"}, f"{name} is missing") for name in ("id", "source", "type")),
        ({"id": ""}, "id is missing"),
        ({"specversion": "0.3"}, "specversion is not 1.0"),
        ({"source": ["x"]}, "source is no text"),
        ({"Subject": "x"}, "small letters"),
        ({"datacontenttype": "text/xml"}, "only JSON"),
        ({"data_base64": "e30="}, "exclude each other"),
        ({"data": None, "data_base64": "?"}, "not base64"),
        ({"data": None, "data_base64": 5}, "not base64"),
    ],
)
def test_an_invalid_structured_event_gives_the_reason(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        taken_apart(**changes)


@pytest.mark.parametrize("kind", ["application/cloudevents-batch+json", "application/cloudevents"])
def test_other_forms_are_refused_by_name(kind: str) -> None:
    with pytest.raises(ValueError, match=r"only application/cloudevents\+json is read"):
        unwrapped(json.dumps(EVENT).encode(), kind)


SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS, max_size=3)
NAMES = st.sampled_from([*EVENT, "data_base64", "sequence", "Other"])


@example(b"[" * 100_000)
@example(json.dumps(EVENT).encode().replace(b'"/elsewhere"', b"9" * 5000))
@example(json.dumps(EVENT | {"data": "\ud800"}).encode())
@given(
    st.binary(max_size=60)
    | st.dictionaries(NAMES, VALUES).map(lambda given: json.dumps(EVENT | given).encode())
)
def test_any_input_is_parsed_or_refused_as_malformed(body: bytes) -> None:
    try:
        attributes, payload = unwrapped(body, KIND)
    except ValueError:
        return
    json.loads(payload)
    assert all(isinstance(value, str) for value in attributes.values())
