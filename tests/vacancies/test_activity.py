"""Candidates' actions: consumed once, in the right place, and visible only as permitted."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated, SnapshotSkill
from hirewire.messaging.broker import Delivery
from hirewire.messaging.testing import consume, delivery
from tests.vacancies.conftest import Person


def published(**snapshot: Any) -> ResumeSnapshot:
    return ResumeSnapshot(**({"status": "published"} | snapshot))


def changed(resume: UUID, version: int, action: str = "updated", **snapshot: Any) -> ResumeUpdated:
    return ResumeUpdated(
        user_id=UUID(int=1),
        resume_id=resume,
        action=action,
        version=version,
        resume=None if action == "deleted" else published(**snapshot),
    )


def external(id: UUID, action: str = "updated", **more: Any) -> Delivery:
    """A message as the report's Node service sends it: a body, and nothing else."""
    headers = more.pop("headers", {})
    body = {"userId": str(uuid4()), "resumeId": str(id), "action": action} | more
    return Delivery(body=json.dumps(body).encode(), routing_key="resume.updated", headers=headers)


async def dead(person: Person) -> list[str]:
    """The reasons why messages are dead letters or retried."""
    async with person.service.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "select error from messaging.open_message where state <> 'discarded'"
        )
        return [row.error for row in found]


async def shown(person: Person) -> list[tuple[str, int | None, str | None]]:
    page = await person.call("GET", "/activity?limit=100")
    return [(item["action"], item["version"], item["title"]) for item in page["items"]]


async def test_an_employer_sees_what_candidates_do_newest_first(anna: Person) -> None:
    await anna.hire()
    resume, item = uuid4(), uuid4()
    consumer = anna.service.messaging.consumer
    await consume(
        consumer, changed(resume, 1, "created", title="One", skills=[SnapshotSkill(name="Go")])
    )
    added = ResumeUpdated(
        user_id=UUID(int=1),
        resume_id=resume,
        action="experience_added",
        experience_id=item,
        version=2,
        resume=published(title="Two"),
    )
    await consume(consumer, delivery(added, sequence=2))
    page = await anna.call("GET", "/activity")
    assert [i["action"] for i in page["items"]] == ["experience_added", "created"]
    assert page["items"][0]["experienceId"] == str(item)
    assert page["items"][0]["educationId"] is None
    assert {i["title"] for i in page["items"]} == {"Two"}


async def test_only_employers_see_it(anna: Person) -> None:
    await anna.call("GET", "/activity", expect=403)
    answer = await anna.service.client.get("/api/vacancies/activity")
    assert answer.status_code == 401


async def test_a_hidden_resume_is_not_shown_from_then_on(anna: Person) -> None:
    await anna.hire()
    resume = uuid4()
    consumer = anna.service.messaging.consumer
    await consume(consumer, changed(resume, 1, "created", title="One"))
    await consume(consumer, delivery(changed(resume, 2, visibility="no_one"), sequence=2))
    assert await shown(anna) == []
    await consume(consumer, external(resume))
    assert await shown(anna) == []
    await consume(consumer, delivery(changed(resume, 3, title="Back"), sequence=3))
    assert await shown(anna) == [("updated", 3, "Back"), ("created", 1, "Back")]


@pytest.mark.parametrize("visibility", ["no_one", "applied", "link", "something_new"])
async def test_only_visible_candidates_are_shown(anna: Person, visibility: str) -> None:
    await anna.hire()
    consumer = anna.service.messaging.consumer
    resume = uuid4()
    await consume(consumer, changed(uuid4(), 1, title="Seen"))
    await consume(consumer, changed(resume, 1, visibility=visibility))
    await consume(consumer, changed(uuid4(), 1, status="hidden"))
    await consume(consumer, delivery(changed(resume, 2, "deleted"), sequence=2))
    assert await shown(anna) == [("updated", 1, "Seen")]


async def test_drafts_and_their_changes_are_never_shown(anna: Person) -> None:
    await anna.hire()
    resume, consumer = uuid4(), anna.service.messaging.consumer
    for version, action in enumerate(("created", "updated"), start=1):
        draft = changed(resume, version, action, title="Secret plan", status="draft")
        await consume(consumer, delivery(draft, sequence=version))
    assert await shown(anna) == []
    await consume(consumer, delivery(changed(resume, 3, title="Cook"), sequence=3))
    assert await shown(anna) == [("updated", 3, "Cook")]
    other = uuid4()
    await consume(consumer, delivery(changed(other, 1, "created", status="draft"), sequence=1))
    await consume(consumer, delivery(changed(other, 2, "deleted"), sequence=2))
    assert len(await shown(anna)) == 1, "nor that it was deleted"


async def test_nothing_in_it_joins_two_resumes_of_one_person(anna: Person) -> None:
    await anna.hire()
    for _ in range(2):
        await consume(anna.service.messaging.consumer, changed(uuid4(), 1, title="One"))
    lines = (await anna.call("GET", "/activity"))["items"]
    values = [{str(value) for name, value in line.items() if name.endswith("Id")} for line in lines]
    assert values[0] & values[1] == {"None"}
    assert "userId" not in lines[0]


async def test_in_one_batch_an_external_event_does_not_undo_what_was_said_before(
    anna: Person,
) -> None:
    await anna.hire()
    consumer = anna.service.messaging.consumer
    hidden, deleted = uuid4(), uuid4()
    await consume(consumer, changed(hidden, 1, title="One"), changed(deleted, 1, title="Two"))
    await consume(
        consumer,
        delivery(changed(hidden, 2, visibility="no_one"), sequence=2),
        delivery(changed(deleted, 2, "deleted"), sequence=2),
        external(hidden),
        external(deleted),
    )
    assert await shown(anna) == [
        ("updated", None, None),
        ("deleted", 2, None),
        ("updated", 1, None),
    ]


async def test_of_a_deleted_resume_only_the_deletion_is_shown(anna: Person) -> None:
    await anna.hire()
    resume = uuid4()
    consumer = anna.service.messaging.consumer
    await consume(consumer, changed(resume, 1, "created", title="One"))
    await consume(consumer, delivery(changed(resume, 2, "deleted"), sequence=2))
    assert await shown(anna) == [("deleted", 2, None), ("created", 1, None)]
    again = {"title": "Again", "visibility": "recommended"}
    await consume(
        consumer, external(resume, resume=again), external(resume, version=9, resume=again)
    )
    assert {title for _, _, title in await shown(anna)} == {None}
    async with anna.service.engine.connect() as connection:
        kept = await connection.exec_driver_sql("select state, snapshot from resume")
        assert [tuple(row) for row in kept] == [("deleted", None)]


async def test_an_older_version_that_comes_late_changes_nothing_but_the_list(
    anna: Person,
) -> None:
    await anna.hire()
    resume = uuid4()
    consumer = anna.service.messaging.consumer
    await consume(consumer, delivery(changed(resume, 3, title="New"), sequence=3))
    await consume(consumer, delivery(changed(resume, 2, title="Old"), sequence=2))
    assert {title for _, _, title in await shown(anna)} == {"New"}
    assert len(await shown(anna)) == 2


async def test_a_batch_with_versions_in_any_order_keeps_the_newest(anna: Person) -> None:
    await anna.hire()
    resume = uuid4()
    batch = [
        delivery(changed(resume, n, title=f"V{n}"), sequence=s)
        for s, n in enumerate((1, 4, 2, 3), start=1)
    ]
    await consume(anna.service.messaging.consumer, *batch, *batch)
    assert {title for _, _, title in await shown(anna)} == {"V4"}
    assert len(await shown(anna)) == 4


async def test_the_reports_own_payload_is_enough(anna: Person) -> None:
    """As the Node service sends it: no headers, no version, no snapshot, and unknown actions."""
    await anna.hire()
    resume = uuid4()
    for action in ("created", "polished"):
        await consume(anna.service.messaging.consumer, external(resume, action))
    assert await shown(anna) == [("updated", None, None), ("created", None, None)]


async def test_a_repeat_without_an_id_is_recognised_where_possible(anna: Person) -> None:
    """A resume is created once and an item is added once, but equal updates may be repeated."""
    await anna.hire()
    resume, item = uuid4(), str(uuid4())
    once = [
        external(resume, "created"),
        external(resume, "experience_added", experienceId=item),
        external(resume, "experience_added", experienceId=str(uuid4())),
        external(resume, "experience_removed", experienceId=item),
        external(resume, "education_updated", educationId=item, version=7),
    ]
    often = [external(resume, "updated"), external(resume, "experience_updated", experienceId=item)]
    consumer = anna.service.messaging.consumer
    await consume(consumer, *once, *often, *once, *often)
    await consume(consumer, *once, *often)
    seen = [(action, version) for action, version, _ in await shown(anna)]
    assert sorted(seen, key=str) == [
        ("created", None),
        ("education_updated", 7),
        ("experience_added", None),
        ("experience_added", None),
        ("experience_removed", None),
        *[("experience_updated", None)] * 3,
        *[("updated", None)] * 3,
    ]
    assert await dead(anna) == []


async def test_an_items_id_is_shown_only_for_changes_of_its_kind(anna: Person) -> None:
    await anna.hire()
    one, other = str(uuid4()), str(uuid4())
    both = {"experienceId": one, "educationId": other}
    consumer = anna.service.messaging.consumer
    for action in ("experience_added", "education_added", "updated"):
        await consume(consumer, external(uuid4(), action, **both))
    items = (await anna.call("GET", "/activity"))["items"]
    assert [(i["experienceId"], i["educationId"]) for i in items] == [
        (None, None),
        (None, other),
        (one, None),
    ]


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ("2026-01-02T03:04:05Z", True),
        ("9999-12-31T23:59:59-14:00", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("1970-01-01T00:00:00Z", False),
    ],
)
async def test_an_impossible_time_is_the_time_of_receipt(
    anna: Person, said: str, believed: bool
) -> None:
    await anna.hire()
    await consume(anna.service.messaging.consumer, external(uuid4(), headers={"time": said}))
    [item] = (await anna.call("GET", "/activity"))["items"]
    assert (item["occurredAt"] == said) is believed
    assert (item["occurredAt"] == item["receivedAt"]) is not believed
    assert datetime.fromisoformat(item["receivedAt"]) <= datetime.now(UTC)
    assert await dead(anna) == []


async def test_strange_text_and_a_strange_number_are_refused(anna: Person) -> None:
    await anna.hire()
    consumer = anna.service.messaging.consumer
    text = {"title": "a\x00b", "status": "published", "skills": [{"name": "\x00"}]}
    await consume(
        consumer,
        external(uuid4(), version=1, resume=text),
        external(uuid4(), version=2**31),
        external(uuid4(), version=-1),
        external(uuid4(), "created"),
    )
    assert await shown(anna) == [("created", None, None)]
    assert sorted(await dead(anna)) == [
        *["Reject: version: not from 0 to 2147483647"] * 2,
        "resume.title: has a NUL character in it",
    ]


async def test_pages_are_whole_while_candidates_are_busy(anna: Person) -> None:
    await anna.hire()
    consumer = anna.service.messaging.consumer
    await consume(consumer, *[changed(uuid4(), 1, "created", title=str(n)) for n in range(7)])
    seen: list[str] = []
    path = "/activity?limit=3"
    while path:
        page = await anna.call("GET", path)
        seen += [item["title"] for item in page["items"]]
        await consume(consumer, changed(uuid4(), 1, "created", title="new"))
        path = f"/activity?limit=3&after={page['next']}" if page["next"] else ""
    assert sorted(seen) == [str(n) for n in range(7)]


async def test_a_made_up_cursor_is_refused(anna: Person) -> None:
    await anna.hire()
    places = [
        [],
        ["2026-01-01T00:00:00+00:00"],
        ["2026-01-01T00:00:00", "1"],
        ["0001-01-01T00:00:00+14:00", "1"],
        ["2026-01-01T00:00:00+00:00", "9" * 40],
        ["2026-01-01T00:00:00+00:00", "-1"],
        ["yesterday", "1"],
    ]
    for place in places:
        after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        answer = await anna.call("GET", f"/activity?after={after}", expect=422)
        assert answer["type"].endswith("bad-cursor"), place


async def test_no_header_prevents_a_message_from_being_stored(anna: Person) -> None:
    await anna.hire()
    headers = {"x": "a backslash: \\u0000", "y\x00": "\x00"}
    await consume(
        anna.service.messaging.consumer,
        Delivery(body=b"junk", routing_key="resume.updated", headers=headers),
        external(uuid4(), "created", headers=headers),
    )
    assert await shown(anna) == [("created", None, None)]
    assert len(await dead(anna)) == 1


async def test_a_company_does_not_see_what_is_hidden_from_it(anna: Person, boris: Person) -> None:
    await anna.hire()
    await boris.hire("Other")
    company = (await anna.call("GET", "/employer-profile"))["companyId"]
    resume, consumer = uuid4(), anna.service.messaging.consumer
    hidden = [UUID(company)]
    await consume(consumer, delivery(changed(resume, 1, "created", title="One"), sequence=1))
    assert len(await shown(anna)) == 1
    await consume(
        consumer, delivery(changed(resume, 2, title="Two", hidden_from=hidden), sequence=2)
    )
    assert await shown(anna) == []
    assert len(await shown(boris)) == 2
    await consume(consumer, delivery(changed(resume, 3, "deleted"), sequence=3))
    assert await shown(anna) == [], "nor that it was deleted"
    assert [line[0] for line in await shown(boris)] == ["deleted", "updated", "created"]


async def test_hidden_and_deleted_in_one_batch_stays_hidden(anna: Person) -> None:
    await anna.hire()
    company = (await anna.call("GET", "/employer-profile"))["companyId"]
    resume, consumer = uuid4(), anna.service.messaging.consumer
    await consume(
        consumer,
        delivery(changed(resume, 1, "created", hidden_from=[UUID(company)]), sequence=1),
        delivery(changed(resume, 2, "deleted"), sequence=2),
    )
    assert await shown(anna) == []
