"""The documents are valid, up to date and correct; a breaking change fails the check."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from hirewire import assembly, catalogue
from hirewire.catalogue.asyncapi import asyncapi
from hirewire.catalogue.entries import schema_of
from hirewire.catalogue.examples import EXAMPLES, HEADERS
from hirewire.messaging.broker import Delivery
from hirewire.messaging.envelope import decode
from hirewire.messaging.testing import delivery

ROOT = Path(__file__).resolve().parents[2]


def names() -> list[str]:
    return [entry.name for entry in catalogue.entries()]


def test_the_documents_are_fresh() -> None:
    assert catalogue.stale(ROOT / "docs") == []
    assert catalogue.refusals(ROOT / "docs" / "schemas") == []


def test_it_is_an_asyncapi_document() -> None:
    """According to the schema of the specification."""
    schema = json.loads((ROOT / "tests" / "catalogue" / "asyncapi-3.0.0.json").read_text())
    errors = [error.message for error in Draft7Validator(schema).iter_errors(asyncapi())]
    assert errors == []
    broken = asyncapi() | {"channels": {"x": {"address": 5}}}
    assert list(Draft7Validator(schema).iter_errors(broken)), "a validator that takes anything"


def test_the_documents_list_every_event_and_every_subscriber() -> None:
    document: dict[str, Any] = asyncapi()
    expected = {f"{e.event.owner}.send.{e.name}" for e in catalogue.entries()}
    for event, services in assembly.subscribers().items():
        expected |= {f"{service}.receive.{event}" for service in services}
    assert set(document["operations"]) == expected
    assert set(document["channels"]) == set(EXAMPLES)


@pytest.mark.parametrize("name", names())
def test_examples_match_their_schemas_and_classes(name: str) -> None:
    [entry] = [one for one in catalogue.entries() if one.name == name]
    Draft202012Validator(schema_of(entry.event)).validate(EXAMPLES[name])
    body = json.dumps(EXAMPLES[name]).encode()
    received = decode(Delivery(body, name))
    assert json.loads(received.event.body()) == EXAMPLES[name]


@pytest.mark.parametrize("name", names())
def test_the_documented_headers_are_those_on_the_wire(name: str) -> None:
    [entry] = [one for one in catalogue.entries() if one.name == name]
    event = entry.event.model_validate(EXAMPLES[name])
    sent = delivery(event).headers
    always = {header for header, (_, always, _) in HEADERS.items() if always}
    assert always <= sent.keys() <= HEADERS.keys()


BREAKS = [
    ("    phone: str | None\n", "    phone: str\n", "phone may no longer be null"),
    ("    company_id: UUID\n    phone", "    phone", "companyId was removed"),
    ('name="vacancy.closed"', 'name="vacancy.ended"', "vacancy.closed: the event was removed"),
    (
        'owner="vacancies",\n    key="user_id"',
        'owner="vacancies",\n    key="company_id"',
        "its key was changed from userId to companyId",
    ),
]


IN_TURN = """
import json, sys
from typer.testing import CliRunner
from hirewire.cli.main import app
done = [CliRunner().invoke(app, ["events", "catalogue", *one]) for one in json.loads(sys.argv[1])]
print(json.dumps([{"code": one.exit_code, "output": one.output} for one in done]))
"""


@pytest.mark.parametrize(("before", "after", "message"), BREAKS)
def test_a_breaking_change_fails_the_check(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    # Compiled files too, except temporary ones, which may vanish before they are read.
    skipped = shutil.ignore_patterns("*.pyc.*", "static", "shots", "bench")
    for folder in ("src", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skipped)
    contract = tmp_path / "src" / "hirewire" / "contracts" / "vacancies.py"
    text = contract.read_text()
    assert before in text
    contract.write_text(text.replace(before, after, 1))
    if after.startswith("name="):  # a new event needs its own example
        example = tmp_path / "src" / "hirewire" / "catalogue" / "examples.py"
        example.write_text(example.read_text().replace('"vacancy.closed"', after[5:]))

    asked = (
        ["--check"],
        ["--write"],
        ["--write", "--break", "nobody has used it"],
        ["--check"],
    )
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, json.dumps(asked)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=True,
    )
    checked, written, broken, checked_again = json.loads(done.stdout)
    assert (checked["code"], message in checked["output"]) == (1, True)
    assert written["code"] == 1, "it must not be written away"
    assert (broken["code"], checked_again["code"]) == (0, 0)
