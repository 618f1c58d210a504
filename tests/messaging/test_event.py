"""Event classes: what does not start, and what is on the wire."""

from typing import Any
from uuid import uuid4

import pytest

from hirewire.messaging.event import EVENTS, Event
from tests.messaging.conftest import Noted


def test_a_class_without_a_key_does_not_come_into_being() -> None:
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
