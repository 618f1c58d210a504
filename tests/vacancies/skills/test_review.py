"""Skills that people added, for the maintainers of the dictionary."""

from uuid import UUID, uuid4

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.skills.queries import Unknown, unknown_skills
from tests.vacancies.conftest import Person


async def test_skills_missing_from_the_dictionary_are_listed_by_frequency(anna: Person) -> None:
    await anna.hire()
    asked = [{"skill": "Tinkerbell"}, {"skill": "Python"}, {"skill": "Qwertyism"}]
    first = await anna.vacancy(requirements=asked)
    second = await anna.vacancy(requirements=[{"skill": "tinker-bell"}])
    await anna.vacancy(requirements=[{"skill": "Only a draft"}])
    for id in (first, second):
        await anna.call("POST", f"/vacancies/{id}/publish")
    for visibility in ("recommended", "no_one"):
        snapshot = ResumeSnapshot.model_validate(
            {
                "status": "published",
                "visibility": visibility,
                "skills": [{"name": "Tinkerbell"}, {"name": "SQL"}, {"name": visibility}],
            }
        )
        await consume(
            anna.service.messaging.consumer,
            ResumeUpdated(
                user_id=UUID(int=1),
                resume_id=uuid4(),
                action="created",
                version=1,
                resume=snapshot,
            ),
        )
    async with Transactions(anna.service.engine, "vacancies")() as tx:
        found = await unknown_skills(tx, 10)
        assert found[0] == Unknown("Tinkerbell", 2, 1, None)
        assert {one.name for one in found[1:]} == {"Qwertyism", "recommended"}
        assert len(await unknown_skills(tx, 1)) == 1
