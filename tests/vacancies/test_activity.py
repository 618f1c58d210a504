"""What candidates did: heard once, in the right place, and never more than may be seen."""

from typing import Any
from uuid import UUID, uuid4

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated, SnapshotSkill
from hirewire.messaging.broker import Delivery
from hirewire.messaging.testing import delivery, hear
from tests.vacancies.conftest import Person


def changed(resume: UUID, version: int, action: str = "updated", **snapshot: Any) -> ResumeUpdated:
    return ResumeUpdated(
        user_id=UUID(int=1),
        resume_id=resume,
        action=action,
        version=version,
        resume=None if action == "deleted" else ResumeSnapshot(**snapshot),
    )


async def shown(person: Person) -> list[tuple[str, int | None, str | None]]:
    page = await person.call("GET", "/activity?limit=100")
    return [(item["action"], item["version"], item["title"]) for item in page["items"]]


async def test_an_employer_sees_what_candidates_do_newest_first(anna: Person) -> None:
    await anna.hire()
    resume, item = uuid4(), uuid4()
    consumer = anna.service.messaging.consumer
    await hear(
        consumer, changed(resume, 1, "created", title="One", skills=[SnapshotSkill(name="Go")])
    )
    added = ResumeUpdated(
        user_id=UUID(int=1),
        resume_id=resume,
        action="experience_added",
        experience_id=item,
        version=2,
        resume=ResumeSnapshot(title="Two"),
    )
    await hear(consumer, delivery(added, sequence=2))
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
    await hear(consumer, changed(resume, 1, "created", title="One"))
    await hear(consumer, delivery(changed(resume, 2, visibility="no_one"), sequence=2))
    assert await shown(anna) == []
    stranger = ResumeUpdated(user_id=UUID(int=1), resume_id=resume, action="updated")
    await hear(consumer, Delivery(body=stranger.body(), routing_key="resume.updated"))
    assert await shown(anna) == []
    await hear(consumer, delivery(changed(resume, 3, title="Back"), sequence=3))
    assert len(await shown(anna)) == 4


async def test_of_a_deleted_resume_only_that_it_was_stays(anna: Person) -> None:
    await anna.hire()
    resume = uuid4()
    consumer = anna.service.messaging.consumer
    await hear(consumer, changed(resume, 1, "created", title="One"))
    await hear(consumer, delivery(changed(resume, 2, "deleted"), sequence=2))
    assert await shown(anna) == [("deleted", 2, None), ("created", 1, None)]


async def test_an_older_version_that_comes_late_changes_nothing_but_the_list(
    anna: Person,
) -> None:
    await anna.hire()
    resume = uuid4()
    consumer = anna.service.messaging.consumer
    await hear(consumer, delivery(changed(resume, 3, title="New"), sequence=3))
    await hear(consumer, delivery(changed(resume, 2, title="Old"), sequence=2))
    assert {title for _, _, title in await shown(anna)} == {"New"}
    assert len(await shown(anna)) == 2


async def test_a_batch_with_versions_in_any_order_keeps_the_newest(anna: Person) -> None:
    await anna.hire()
    resume = uuid4()
    batch = [
        delivery(changed(resume, n, title=f"V{n}"), sequence=s)
        for s, n in enumerate((1, 4, 2, 3), start=1)
    ]
    await hear(anna.service.messaging.consumer, *batch, *batch)
    assert {title for _, _, title in await shown(anna)} == {"V4"}
    assert len(await shown(anna)) == 4


async def test_the_reports_own_payload_is_enough(anna: Person) -> None:
    """As the Node service sends it: no headers, no version, no snapshot; unknown actions too."""
    await anna.hire()
    resume = uuid4()
    for action in ("created", "polished"):
        body = f'{{"userId":"{uuid4()}","resumeId":"{resume}","action":"{action}"}}'
        await hear(
            anna.service.messaging.consumer,
            Delivery(body=body.encode(), routing_key="resume.updated"),
        )
    assert await shown(anna) == [("updated", None, None), ("created", None, None)]


async def test_pages(anna: Person) -> None:
    await anna.hire()
    events = [changed(uuid4(), 1, "created", title=str(n)) for n in range(7)]
    await hear(anna.service.messaging.consumer, *events)
    seen: list[str] = []
    path = "/activity?limit=3"
    while path:
        page = await anna.call("GET", path)
        seen += [item["title"] for item in page["items"]]
        path = f"/activity?limit=3&after={page['next']}" if page["next"] else ""
    assert sorted(seen) == [str(n) for n in range(7)]
    await anna.call("GET", "/activity?after=W10", expect=422)
