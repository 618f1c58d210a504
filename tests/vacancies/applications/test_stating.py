"""What a service that is added gets to know of employers, vacancies and applications."""

from typing import Any

from hirewire.contracts.vacancies import VacanciesStated
from hirewire.kit import stating
from hirewire.messaging.testing import recorded
from hirewire.vacancies.applications.stating import APPLICATIONS
from hirewire.vacancies.employers.stating import EMPLOYERS
from hirewire.vacancies.posting.stating import VACANCIES
from tests.vacancies.applications.conftest import Board

STATES = [EMPLOYERS, VACANCIES, APPLICATIONS]


def END(subscriber: str, types: list[str]) -> VacanciesStated:  # noqa: N802
    return VacanciesStated(subscriber=subscriber, types=types)


async def stated(board: Board) -> dict[str, list[dict[str, Any]]]:
    """The bodies of all states, after each was published for a new subscriber."""
    service = board.boss.service
    async with service.engine.begin() as connection:
        for one in STATES:
            await connection.exec_driver_sql(
                "insert into messaging.listener (type, service) values ($1, 'new')",
                (one.event.name,),
            )
    while await stating.step(STATES, END, service.messaging.transactions):
        pass
    found: dict[str, list[dict[str, Any]]] = {one.event.name: [] for one in STATES}
    for row in await recorded(service.engine):
        if row.type in found:
            found[row.type].append(row.body)
    return found


async def test_the_state_is_that_of_the_tables(board: Board) -> None:
    draft = await board.boss.vacancy(title="Secret")
    paused = await board.open_vacancy(title="Paused")
    await board.boss.call("POST", f"/vacancies/{paused}/pause")
    held = await board.open_vacancy(title="Held")
    async with board.boss.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            f"update vacancy set taken_down = true where id = '{held}'"
        )
    applied = await board.apply()
    other, resume = await board.somebody()
    path = f"/vacancies/{board.vacancy}/invitations"
    invited = await board.boss.call("POST", path, {"resumeId": str(resume)}, expect=201)
    await board.boss.call("POST", f"/applications/{applied['id']}/stage", {"stage": "interview"})

    found = await stated(board)
    [end] = await recorded(board.boss.service.engine, "vacancies.stated")
    assert end.body["types"] == ["application.stated", "employer.stated", "vacancy.stated"]
    [employer] = found["employer.stated"]
    assert employer["userId"] == str(board.boss.id)
    assert employer["companyName"] == "Acme"
    vacancies = {one["vacancyId"]: one for one in found["vacancy.stated"]}
    assert draft not in vacancies
    assert {id: one["status"] for id, one in vacancies.items()} == {
        board.vacancy: "published",
        paused: "paused",
        held: "paused",
    }
    published = [r.body for r in await recorded(board.boss.service.engine, "vacancy.published")]
    assert vacancies[board.vacancy].items() >= published[0].items(), "version and title are equal"
    applications = {one["applicationId"]: one for one in found["application.stated"]}
    one, invitation = applications[applied["id"]], applications[invited["id"]]
    assert (one["stage"], one["applicantState"]) == ("interview", "invited")
    assert one["submittedAt"] is not None
    assert (invitation["origin"], invitation["submittedAt"]) == ("invitation", None)
    assert (invitation["applicantState"], invitation["userId"]) == ("invited", str(other.id))
