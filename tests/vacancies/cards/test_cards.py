"""A resume as an employer reads it, and what its owner learns about that."""

from uuid import UUID, uuid4

from hirewire.contracts.profiles import (
    ResumeSnapshot,
    ResumeUpdated,
    SnapshotEducation,
    SnapshotExperience,
    SnapshotSkill,
)
from hirewire.messaging.testing import consume, delivery
from tests.vacancies.conftest import Person

EXPERIENCE = SnapshotExperience(id=uuid4(), company="Roga", position="Cook", start="2020-03")
EDUCATION = SnapshotEducation(id=uuid4(), organization="Omsk State", field="Food")


async def publish_resume(owner: Person, resume: UUID, version: int, **changes: object) -> None:
    values = {"status": "published", "title": "Chef", "area": "Omsk", "work_formats": ["on_site"]}
    parts = {"experience": [EXPERIENCE], "education": [EDUCATION]}
    snapshot = ResumeSnapshot.model_validate(values | parts | changes)
    event = ResumeUpdated(
        user_id=owner.id, resume_id=resume, action="updated", version=version, resume=snapshot
    )
    await consume(owner.service.messaging.consumer, delivery(event, sequence=version))


async def test_a_card_shows_the_resume_without_the_person(anna: Person, boris: Person) -> None:
    resume = uuid4()
    await anna.hire()
    await publish_resume(boris, resume, 1, skills=[SnapshotSkill(name="Soup", level=4)])
    card = await anna.call("GET", f"/resumes/{resume}")
    assert (card["resumeId"], card["title"], card["area"]) == (str(resume), "Chef", "Omsk")
    assert card["skills"] == [{"name": "Soup", "level": 4}]
    assert card["workFormats"] == ["on_site"]
    [held] = card["experience"]
    assert (held["company"], held["position"], held["start"], held["end"]) == (
        *("Roga", "Cook", "2020-03"),
        None,
    )
    assert card["education"][0]["organization"] == "Omsk State"
    assert str(boris.id) not in str(card)


async def test_its_owner_learns_who_looked_and_when(anna: Person, boris: Person) -> None:
    resume = uuid4()
    company = (await anna.hire("Acme"))["companyId"]
    await publish_resume(boris, resume, 1)
    viewers = f"/resumes/{resume}/viewers"
    assert (await boris.call("GET", viewers))["items"] == []
    for _ in range(2):
        await anna.call("GET", f"/resumes/{resume}")
    other = Person(anna.service, uuid4())
    await other.hire("Other")
    await other.call("GET", f"/resumes/{resume}")

    first = await boris.call("GET", f"{viewers}?limit=1")
    [latest] = first["items"]
    assert (latest["companyName"], latest["times"]) == ("Other", 1)
    [before] = (await boris.call("GET", f"{viewers}?limit=1&after={first['next']}"))["items"]
    assert (before["companyId"], before["times"]) == (company, 2)
    assert before["firstAt"] <= before["lastAt"] < latest["lastAt"]
    await boris.call("GET", f"{viewers}?after=bm8", expect=422)
    for outsider in (anna, other):
        await outsider.call("GET", viewers, expect=404)


async def test_viewing_ones_own_resume_is_not_a_view(boris: Person) -> None:
    resume = uuid4()
    await boris.hire()
    await publish_resume(boris, resume, 1)
    await boris.call("GET", f"/resumes/{resume}")
    assert (await boris.call("GET", f"/resumes/{resume}/viewers"))["items"] == []


async def test_a_card_is_visible_to_authorized_employers_only(anna: Person, boris: Person) -> None:
    resume = uuid4()
    company = (await anna.hire())["companyId"]
    changes: list[dict[str, object]] = [
        {"visibility": "no_one"},
        {"visibility": "applied"},
        {"visibility": "link"},
        {"status": "draft"},
        {"status": "hidden"},
        {"hidden_from": [company]},
    ]
    for version, change in enumerate(changes, start=1):
        await publish_resume(boris, resume, version, **change)
        await anna.call("GET", f"/resumes/{resume}", expect=404)
    await publish_resume(boris, resume, 9)
    await anna.call("GET", f"/resumes/{resume}")
    event = ResumeUpdated(user_id=boris.id, resume_id=resume, action="deleted", version=10)
    await consume(boris.service.messaging.consumer, delivery(event, sequence=10))
    await anna.call("GET", f"/resumes/{resume}", expect=404)
