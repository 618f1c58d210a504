"""Event classes: which definitions are refused, and what is on the wire."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import Malformed, Unknown, decode
from hirewire.messaging.event import EVENTS, Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.testing import delivery, recorded
from tests.messaging.conftest import Noted, Place


def test_an_event_class_without_a_key_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="has no key"):

        class Keyless(Event, name="test.keyless", owner="writer"):
            text: str

    assert "test.keyless" not in EVENTS


def test_a_key_must_be_a_field() -> None:
    with pytest.raises(TypeError, match="'nothing'"):

        class Wrong(Event, name="test.wrong", owner="writer", key="nothing"):
            text: str


@pytest.mark.parametrize("missing", ["name", "owner"])
def test_name_and_owner_are_needed(missing: str) -> None:
    given: dict[str, Any] = {"name": "test.partial", "owner": "writer", "key": "text"}
    given[missing] = ""
    with pytest.raises(TypeError, match="no name or no owner"):
        type("Partial", (Event,), {"__annotations__": {"text": str}}, **given)


def test_two_classes_cannot_have_one_name() -> None:
    with pytest.raises(TypeError, match=r"named test\.noted"):

        class Again(Event, name="test.noted", owner="writer", key="text"):
            text: str

    assert EVENTS["test.noted"] is Noted


def test_the_body_has_only_what_was_set() -> None:
    page = uuid4()
    assert Noted(page=page).body() == f'{{"page":"{page}"}}'.encode()
    assert Noted(page=page).key == str(page)


class Pinned(Event, name="test.pinned", owner="writer", key="page"):
    """Something with parts of any form was pinned to a page."""

    page: UUID
    text: str = ""
    parts: dict[str, Any] = {}


def from_first(payload: dict[str, Any]) -> dict[str, Any]:
    """In version 1, `name` was one field."""
    first, _, last = payload.pop("name").partition(" ")
    return payload | {"firstName": first, "lastName": last}


def from_second(payload: dict[str, Any]) -> dict[str, Any]:
    """In version 2, `born` was a year."""
    return payload | {"born": f"{payload['born']}-01-01"}


class Enrolled(
    Event,
    name="test.enrolled",
    owner="writer",
    key="id",
    schema_version=3,
    upcasts={1: from_first, 2: from_second},
):
    """Somebody enrolled; version 3 of the event."""

    id: str
    first_name: str
    last_name: str
    born: date


THIRD = Enrolled(id="a", first_name="Ada", last_name="Lovelace", born=date(1815, 1, 1))


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (1, b'{"id": "a", "name": "Ada Lovelace", "born": 1815}'),
        (2, b'{"id": "a", "firstName": "Ada", "lastName": "Lovelace", "born": 1815}'),
        (3, b'{"id": "a", "firstName": "Ada", "lastName": "Lovelace", "born": "1815-01-01"}'),
    ],
)
def test_a_former_version_is_upgraded_to_the_current_one(version: int, body: bytes) -> None:
    assert Enrolled.read(body, version) == THIRD


def test_each_former_version_needs_its_upcast() -> None:
    with pytest.raises(TypeError, match="needs an upcast of each version"):

        class Gap(
            Event,
            name="test.gap",
            owner="writer",
            key="id",
            schema_version=3,
            upcasts={1: from_first},
        ):
            id: str


def test_versions_after_the_first_have_a_header() -> None:
    message = delivery(THIRD)
    assert message.headers["typeversion"] == "3"
    assert "typeversion" not in delivery(Noted(page=uuid4())).headers
    assert decode(message).event == THIRD
    old = replace(
        message,
        body=b'{"id": "a", "name": "Ada Lovelace", "born": 1815}',
        headers={name: value for name, value in message.headers.items() if name != "typeversion"},
    )
    assert decode(old).event == THIRD
    broken = replace(old, body=b'{"id": "a"}')
    with pytest.raises(Malformed, match="KeyError"):
        decode(broken)


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "", "02", "99999", "x"])
def test_a_version_is_a_whole_number(version: str) -> None:
    message = delivery(THIRD)
    with pytest.raises(Malformed, match="typeversion"):
        decode(replace(message, headers={**message.headers, "typeversion": version}))


@pytest.mark.parametrize(
    "sequence", ["-1", "1.0", "x", "²", f"{2**63}", "0" * 19 + "1", "9" * 5000]
)
def test_a_sequence_is_a_whole_number_that_the_database_can_keep(sequence: str) -> None:
    """Anything else is refused, and the error names the header."""
    message = delivery(Noted(page=uuid4()))
    with pytest.raises(Malformed, match="header sequence"):
        decode(replace(message, headers={**message.headers, "sequence": sequence}))


def test_a_future_version_is_unknown_and_not_malformed() -> None:
    message = delivery(THIRD)
    with pytest.raises(Unknown, match="of version 4; here it has 3"):
        decode(replace(message, headers={**message.headers, "typeversion": "4"}))
    with pytest.raises(Unknown):
        decode(replace(message, headers={**message.headers, "type": "test.of_later"}))


async def test_the_log_keeps_the_version(place: Place) -> None:
    async with place.transactions()() as tx:
        record(tx, THIRD)
        record(tx, Noted(page=uuid4()))
    async with place.transactions()() as tx:
        record(tx, THIRD)
    versions = [row.headers.get("typeversion") for row in await recorded(place.engine)]
    assert versions == ["3", None, "3"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"page": "%s", "text": "a\\u0000b"}', "text"),
        (b'{"page": "%s", "parts": {"a": ["x", {"\\u0000": 1}]}}', r"parts\.a\.1"),
        (b'{"page": "%s", "parts": {"a": ["x", {"b": "\\u0000"}]}}', r"parts\.a\.1\.b"),
    ],
)
def test_a_nul_is_refused_where_it_is(body: bytes, where: str) -> None:
    message = Delivery(body % str(uuid4()).encode(), "test.pinned")
    with pytest.raises(Malformed, match=f"^{where}: has a (NUL|name with a NUL) character in it$"):
        decode(message)


def test_escaped_backslashes_and_ignored_fields_may_look_like_nul() -> None:
    page = uuid4()
    for rest in (r'"text": "\\u0000"', r'"text": "a", "unknown": "\u0000"'):
        received = decode(Delivery(f'{{"page": "{page}", {rest}}}'.encode(), "test.pinned"))
        assert received.key == str(page)


def test_a_byte_order_mark_is_passed_over() -> None:
    body = b"\xef\xbb\xbf" + Noted(page=(page := uuid4())).body()
    assert decode(Delivery(body, "test.noted")).key == str(page)
    old = b'\xef\xbb\xbf{"id": "a", "name": "Ada Lovelace", "born": 1815}'
    assert decode(Delivery(old, "test.enrolled")).event == THIRD
