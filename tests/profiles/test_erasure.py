"""An erased user in `profiles`: all is deleted, and nothing comes back."""

from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserErased, UserRegistered
from hirewire.kit.clock import now
from hirewire.kit.refusals import Refusals
from hirewire.messaging.testing import consume, recorded
from tests.profiles.conftest import Person

RESUME = {"title": "Cook", "skills": [{"name": "SQL"}], "status": "published"}


async def _counts(person: Person) -> dict[str, int]:
    async with person.service.engine.connect() as connection:
        found = {}
        for table in ("profile", "resume", "experience", "kit.idempotency"):
            rows = await connection.exec_driver_sql(f"select count(*) from {table}")
            found[table] = rows.scalar_one()
        return found


async def test_requests_and_events_of_an_erased_user_bring_nothing_back(
    anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = anna.service.messaging.consumer
    registered = UserRegistered(id=anna.id, email="anna@example.org")
    await consume(consumer, registered)
    key = {"Idempotency-Key": "once-and-again"}
    made = await anna.call("POST", "/resumes", RESUME, expect=201, **key)
    job = {"company": "Orchard", "position": "Cook", "start": "2020-01"}
    await anna.call("POST", f"/resumes/{made['id']}/experience", job, expect=201)
    erased = UserErased(user_id=anna.id, erasure_id=uuid4(), erased_at=now())
    await consume(consumer, erased)
    gone = {"profile": 0, "resume": 0, "experience": 0, "kit.idempotency": 0}
    assert await _counts(anna) == gone

    answer = await anna.call("POST", "/resumes", RESUME, expect=401)
    assert answer["code"] == "invalid_token"

    async def verified_before(*_: object) -> bool:
        return False

    monkeypatch.setattr(Refusals, "refused", verified_before)
    for method, path, body in (
        ("POST", "/resumes", RESUME),
        ("POST", "/resumes/import", {"basics": {"name": "Anna"}}),
    ):
        answer = await anna.call(method, path, body, expect=401, **key)
        assert answer["code"] == "unauthenticated"
    await consume(consumer, registered)
    assert await _counts(anna) == gone
    rows = await recorded(anna.service.engine)
    assert [row.body.get("action") for row in rows if row.type == "resume.updated"] == [
        "created",
        "experience_added",
        "deleted",
    ]
    assert "Cook" not in str([row.body for row in rows])
    [done] = await recorded(anna.service.engine, "user.erasure_done.profiles")
    assert UUID(done.body["erasureId"]) == erased.erasure_id
    assert done.body["records"] >= 6
    await consume(consumer, erased)  # after a backup was restored
    assert len(await recorded(anna.service.engine, "user.erasure_done.profiles")) == 2
