"""What our events refuse in a field, and what they accept from other publishers."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from hirewire import catalogue
from hirewire.catalogue.examples import EXAMPLES
from hirewire.contracts.auth import UserRegistered
from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import Malformed, decode
from hirewire.messaging.event import Event

ROOT = Path(__file__).resolve().parents[2]


def read(name: str, **changes: object) -> Any:
    return decode(Delivery(json.dumps(EXAMPLES[name] | changes).encode(), name)).event


@pytest.mark.parametrize(
    "address",
    ["nobody", "", "@", "anna@", "@example.org", "an na@example.org", "a\x01@example.org"]
    + ["a@b@", "anna@exam\nple.org", "a" * 100_000 + "@example.org", "a" * 250 + "@x.org"],
)
def test_invalid_email_addresses_are_refused(address: str) -> None:
    with pytest.raises(Malformed, match=r"^email: "):
        read("user.registered", email=address)


@pytest.mark.parametrize("address", ["a@b", "анна@пример.рф", "o'neil+x@mail.example.org", '"@"@x'])
def test_any_valid_email_address_is_accepted(address: str) -> None:
    event = read("user.registered", email=address)
    assert isinstance(event, UserRegistered)
    assert event.email == address


def moments() -> list[tuple[str, str]]:
    """The event and name of each time field in the contracts."""
    found = []
    for entry in catalogue.entries():
        schema = entry.event.model_json_schema(by_alias=True)
        for name, field in schema["properties"].items():
            if any(one.get("format") == "date-time" for one in (field, *field.get("anyOf", ()))):
                found.append((entry.name, name))
    return found


@pytest.mark.parametrize(("name", "field"), moments())
def test_a_number_is_refused_as_a_time(name: str, field: str) -> None:
    for number in (0, 1_763_942_400, 1_763_942_400_123, 1.5, "1763942400", "-1", True):
        with pytest.raises(Malformed, match=f"^{field}: must be a date and time"):
            read(name, **{field: number})
    with pytest.raises(Malformed, match=f"^{field}: .*years 1 to 9999"):
        read(name, **{field: "0001-01-01T00:00:00+14:00"})
    for text in ("2026-11-02T09:30:00Z", "2026-11-02 12:30:00+03:00", "2026-11-02T09:30:00"):
        assert json.loads(read(name, **{field: text}).body())[field] == "2026-11-02T09:30:00Z"


def test_there_are_time_fields_to_test() -> None:
    assert len(moments()) >= 4
    assert all(issubclass(entry.event, Event) for entry in catalogue.entries())


def test_contracts_have_times_and_addresses_of_the_checked_kinds_only() -> None:
    """A plain `datetime` accepts numbers, and a plain `str` any address."""
    modules = sorted((ROOT / "src" / "hirewire" / "contracts").glob("[a-z]*.py"))
    assert len(modules) > 1
    for path in modules:
        if path.name != "fields.py":
            assert bare(path.read_text(encoding="utf-8")) == [], path.name


def test_that_rule_catches_what_it_forbids() -> None:
    source = "a: datetime\nb: list[date | None] = []\nwork_email: str\nc: Moment\nemail: Address"
    assert bare(source) == ["a", "b", "work_email"]


def bare(source: str) -> list[str]:
    """The fields of a module whose types check too little."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            kinds = {one.id for one in ast.walk(node.annotation) if isinstance(one, ast.Name)}
            loose = {"datetime", "date", "time"} | (
                {"str"} if node.target.id.endswith("email") else set()
            )
            if kinds & loose:
                found.append(node.target.id)
    return found
