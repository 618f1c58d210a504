"""Every event says whose data it carries, and what is left of it after an erasure."""

import json
from uuid import UUID

import pytest

from hirewire import assembly
from hirewire.catalogue.examples import EXAMPLES
from hirewire.contracts.auth import UserErased
from hirewire.messaging.event import EVENTS, Event

NO_PERSONAL_DATA = {
    *("action", "applicant_state", "changed", "kid", "origin", "previous_role", "previous_stage"),
    *("kind", "language", "reason", "role", "ruleset", "service", "side", "stage"),
    *("experience_id", "education_id", "jwk", "status", "visibility"),
    "title",  # of a vacancy
    "time_zone",  # of an interview
}
"""Fields that hold words of the program, ids, or what companies publish."""
PLAIN = ("UUID", "datetime", "int", "float", "bool")

PUBLISHED = [event for name in assembly.SERVICES for event in assembly.service(name).publishes]


@pytest.mark.parametrize("event", PUBLISHED, ids=lambda event: event.name)
def test_a_redacted_event_fits_its_class_and_has_ids_and_numbers_only(event: type[Event]) -> None:
    assert event.subject_field is not None, "say subject=…: the field of the user, or NOBODY"
    for name, field in event.model_fields.items():
        plain = any(kind in str(field.annotation) for kind in PLAIN)
        known = plain or name in NO_PERSONAL_DATA or name in event.personal
        assert known or not event.subject_field, f"{name}: say how it is redacted (personal=…)"
    body = json.dumps(EXAMPLES[event.name])
    before, after = event.read(body), event.read(event.redacted(body))
    assert (after.key, after.subject) == (before.key, before.subject)
    if event.subject_field:
        UUID(str(after.subject))
    for name in event.personal:
        value = getattr(before, name)
        assert value is not None, f"{name}: its example is empty"
        assert getattr(after, name) != value
    for name in event.model_fields.keys() - event.personal.keys():
        assert getattr(after, name) == getattr(before, name)


def test_every_service_erases_and_auth_gets_its_answer() -> None:
    auth = assembly.service("auth")
    for name in assembly.SERVICES:
        if name == "auth":
            continue
        service = assembly.service(name)
        assert UserErased.name in service.consumes, name
        [done] = [event for event in service.publishes if event.erasure == "answers"]
        assert done.name == f"user.erasure_done.{name}"
        assert done.name in auth.consumes
    assert {e.name for e in EVENTS.values() if e.erasure == "asks"} >= {UserErased.name}
