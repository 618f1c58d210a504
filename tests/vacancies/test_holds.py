"""Held vacancies: gone from every reading path, whatever their status; and what holds them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from hirewire.contracts.auth import UserBlocked, UserRoleChanged
from hirewire.kit.refusals import Refusals
from hirewire.messaging.testing import consume, delivery
from hirewire.vacancies import holds
from hirewire.vacancies.search.index.embedded import EmbeddedStore
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.updating import IndexUpdater
from hirewire.vacancies.tables import employer_profile
from tests.builders import eventually
from tests.services import Running
from tests.vacancies.applications.conftest import Board, board
from tests.vacancies.conftest import VACANCY, Person

__all__ = ["board"]  # a fixture
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tokens_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that has not loaded yet whose tokens are refused."""

    async def refused(*_: object) -> bool:
        return False

    monkeypatch.setattr(Refusals, "refused", refused)


async def make_operator(person: Person, role: Any = "admin", *, sequence: int = 1) -> None:
    event = UserRoleChanged(user_id=person.id, role=role)
    await consume(person.service.messaging.consumer, delivery(event, sequence=sequence))


async def block(person: Person, at: int, *, blocked: bool = True, sequence: int = 1) -> None:
    event = UserBlocked(user_id=person.id, blocked=blocked, at=NOW + timedelta(minutes=at))
    await consume(person.service.messaging.consumer, delivery(event, sequence=sequence))


async def take_down(service: Running, vacancy: str, *, taken_down: bool = True) -> bool:
    async with service.messaging.transactions() as tx:
        return await holds.hold_vacancy(tx, UUID(vacancy), taken_down=taken_down)


async def everywhere(person: Person, vacancy: str) -> set[str]:
    """The paths on which somebody finds this vacancy."""
    service = person.service
    paths = (
        *("/vacancies", "/vacancies?q=developer", "/vacancies?sort=date&facets=true"),
        *(f"/vacancies/{vacancy}", "/feeds/vacancies.atom", "/feeds/vacancies.rss"),
        *("/feeds/jobs.xml", "/feeds/sitemaps/0.xml", "/recommended"),
    )
    found = set()
    for path in paths:
        answer = await service.client.get(
            f"/api/vacancies{path}", headers=service.as_user(person.id)
        )
        if vacancy in answer.text and answer.status_code == 200:
            found.add(path)
    return found


async def back(person: Person, vacancy: str, paths: set[str]) -> None:
    """Wait until all these paths and the counts have the vacancy again: the index follows."""

    async def is_back() -> bool:
        overview = await person.call("GET", "/overview")
        return overview["vacancies"] > 0 and await everywhere(person, vacancy) >= paths

    await eventually(is_back)


async def uncounted(person: Person) -> None:
    """Wait until the counts have no vacancy."""

    async def is_none() -> bool:
        return bool((await person.call("GET", "/overview"))["vacancies"] == 0)

    await eventually(is_none)


async def state(person: Person, vacancy: str) -> tuple[str, str | None, list[str]]:
    its = await person.call("GET", f"/vacancies/{vacancy}")
    return its["status"], its["held"], its["allowedActions"]


async def test_a_held_vacancy_is_gone_from_every_path_and_comes_back(board: Board) -> None:
    boss, vera, id = board.boss, board.vera, board.vacancy
    await vera.call("PUT", f"/vacancies/{id}/saved", expect=204)
    applied = await board.apply()
    shown = {"/vacancies", "/vacancies?q=developer", "/vacancies?sort=date&facets=true"}
    shown |= {f"/vacancies/{id}", "/feeds/jobs.xml", "/feeds/sitemaps/0.xml"}
    shown |= {"/feeds/vacancies.atom", "/feeds/vacancies.rss"}
    await back(vera, id, shown)

    assert await take_down(boss.service, id)
    assert not await take_down(boss.service, id)  # once is enough
    assert await everywhere(vera, id) == set()  # at once
    await uncounted(vera)
    assert (await vera.call("GET", f"/vacancies/{id}", expect=410))["code"] == "not_shown"
    nobody = await boss.service.client.get(f"/api/vacancies/vacancies/{id}")
    assert nobody.status_code == 410
    assert VACANCY["title"] not in nobody.text
    fits = f"/vacancies/{id}/fits?resume={board.resume}"
    await vera.call("GET", fits, expect=404)

    # nobody applies, is invited or accepts; who had applied reads that it is not shown any more
    other, resume = await board.somebody()
    body = {"resumeId": str(resume)}
    for person, path in ((other, "applications"), (boss, "invitations")):
        refused = await person.call("POST", f"/vacancies/{id}/{path}", body, expect=409)
        assert refused["code"] == "vacancy_not_open"
    assert (await vera.call("GET", f"/applications/{applied['id']}"))["vacancyHeld"]
    await other.call("PUT", f"/vacancies/{id}/saved", expect=404)
    [saved] = (await vera.call("GET", "/saved"))["items"]
    assert (saved["vacancy"]["status"], saved["vacancy"]["title"]) == (
        "not_shown",
        VACANCY["title"],
    )
    assert saved["vacancy"]["requirements"] == []
    assert saved["vacancy"]["salary"] is None

    # its owner sees it, with the cause, and can neither publish nor duplicate it
    assert await state(boss, id) == ("published", "taken_down", ["edit", "close"])
    for action in ("pause", "copy"):
        refused = await boss.call("POST", f"/vacancies/{id}/{action}", expect=409)
        assert refused["code"] == "held"
    await boss.call("PATCH", f"/vacancies/{id}", {"title": "A better title"})
    assert await everywhere(vera, id) == set()
    [figures] = (await boss.call("GET", "/vacancies/overview"))["items"]
    assert (figures["held"], figures["matches"], figures["daysOpen"]) == (True, 0, None)

    # an operator reads it
    await make_operator(other)
    assert (await other.call("GET", f"/vacancies/{id}"))["held"] == "taken_down"

    assert await take_down(boss.service, id, taken_down=False)
    await back(vera, id, shown - {"/vacancies?q=developer"})
    kinds = [kind for kind, _ in await boss.events()]
    assert kinds == ["vacancy.published", "vacancy.paused", "vacancy.published"]
    versions = [body["version"] for _, body in await boss.events()]
    assert versions == [2, 3, 5]


async def test_a_rebuilt_index_does_not_find_a_held_vacancy(anna: Person, boris: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    await take_down(anna.service, id)
    transactions = anna.service.messaging.transactions
    updater = IndexUpdater(EmbeddedStore(VACANCIES, transactions.engine), transactions)
    await updater.open()
    await updater.check()  # counts the searchable rows too
    assert await everywhere(boris, id) == set()
    await updater.close()


async def test_recommendations_are_withdrawn_and_made_again(board: Board) -> None:
    await board.say(
        board.vera,
        board.resume,
        2,
        visibility="recommended",
        skills=[{"name": "Python", "level": 4}],
        experienceMonths=30,
        languages=[{"language": "English", "level": "C1"}],
    )
    id = await board.open_vacancy(salary=None)
    await board.consume_own("vacancy.published")
    assert id in str(await board.vera.call("GET", "/recommended"))
    await take_down(board.boss.service, id)
    assert id not in str(await board.vera.call("GET", "/recommended"))  # at once
    assert id not in str(await board.boss.call("GET", "/recommendations"))
    await board.consume_own("vacancy.paused")
    assert len(await board.published("recommendation.withdrawn")) == 1
    await take_down(board.boss.service, id, taken_down=False)
    await board.consume_own("vacancy.published")
    assert id in str(await board.vera.call("GET", "/recommended"))


async def test_the_text_of_a_vacancy_that_was_taken_down_is_not_published_again(
    anna: Person,
) -> None:
    await anna.hire()
    id, draft = await anna.vacancy(), await anna.vacancy(title="Something else")
    for one in (id, draft):
        await anna.call("POST", f"/vacancies/{one}/publish")
    await take_down(anna.service, id)

    again = await anna.vacancy(title="BACKEND  developer!", area="Perm")  # as an import makes it
    refused = await anna.call("POST", f"/vacancies/{again}/publish", expect=409)
    assert refused["code"] == "taken_down_before"
    title = {"title": VACANCY["title"]}
    refused = await anna.call("PATCH", f"/vacancies/{draft}", title, expect=409)
    assert refused["code"] == "taken_down_before"

    # closing it does not help either
    await anna.call("POST", f"/vacancies/{id}/close")
    assert await state(anna, id) == ("closed", "taken_down", ["archive"])
    refused = await anna.call("POST", f"/vacancies/{id}/reopen", expect=409)
    assert refused["code"] == "held"
    await take_down(anna.service, id, taken_down=False)
    assert (await state(anna, id))[1:] == (None, ["reopen", "archive", "copy"])
    assert [kind for kind, _ in await anna.events()][-1] == "vacancy.closed"


@pytest.mark.usefixtures("tokens_live_on")
async def test_a_blocked_persons_vacancies_are_held_until_they_are_unblocked(
    anna: Person, boris: Person
) -> None:
    company = (await anna.hire())["companyId"]
    shown, bad, draft = [await anna.vacancy(title=f"Job {n}") for n in range(3)]
    for id in (shown, bad):
        await anna.call("POST", f"/vacancies/{id}/publish")
    await take_down(anna.service, bad)
    await block(anna, 1)
    assert await everywhere(boris, shown) == set()
    assert (await boris.call("GET", f"/companies/{company}", expect=410))["code"] == "not_shown"
    assert (await anna.call("GET", f"/companies/{company}"))["name"] == "Acme"
    assert (await boris.call("GET", "/companies?q=acme"))["items"] == []
    held = {id: (await state(anna, id))[1] for id in (shown, bad, draft)}
    assert held == {shown: "owner_blocked", bad: "taken_down", draft: "owner_blocked"}
    # what a token that still lives publishes is not shown
    await anna.call("POST", f"/vacancies/{draft}/publish", expect=409)
    late = await anna.vacancy(title="Late")
    assert (await anna.call("POST", f"/vacancies/{late}/publish", expect=409))["code"] == "held"

    await block(anna, 1, sequence=2)  # again
    await block(anna, 0, blocked=False, sequence=3)  # an older one, replayed
    assert await everywhere(boris, shown) == set()
    await take_down(anna.service, shown)
    await block(anna, 2, blocked=False, sequence=4)
    assert await everywhere(boris, shown) == set()  # it was taken down meanwhile
    await take_down(anna.service, shown, taken_down=False)
    assert f"/vacancies/{shown}" in await everywhere(boris, shown)
    assert await everywhere(boris, bad) & {f"/vacancies/{bad}", "/feeds/jobs.xml"} == set()
    await block(anna, 2, sequence=5)  # blocked at the same time: the first one counts
    kinds = [kind for kind, body in await anna.events() if body["vacancyId"] == shown]
    assert kinds == ["vacancy.published", "vacancy.paused", "vacancy.published"]


async def test_a_company_is_held_once_all_its_people_are_blocked(
    anna: Person, boris: Person
) -> None:
    company = UUID((await anna.hire())["companyId"])
    async with anna.service.messaging.transactions() as tx:
        values = {"user_id": boris.id, "company_id": company, "created_at": NOW}
        await tx.execute(insert(employer_profile).values(values))

    async def held() -> bool:
        async with anna.service.messaging.transactions() as tx:
            return await holds.is_held(tx, company)

    await block(anna, 1)
    assert not await held()
    await block(boris, 1)
    assert await held()
    await block(anna, 2, blocked=False, sequence=2)
    assert not await held()


@pytest.mark.usefixtures("tokens_live_on")
async def test_a_blocked_person_who_becomes_an_employer_shows_nothing(
    anna: Person, boris: Person
) -> None:
    await block(anna, 1)
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish", expect=409)
    await block(anna, 2, blocked=False, sequence=2)
    await anna.call("POST", f"/vacancies/{id}/publish")
    assert f"/vacancies/{id}" in await everywhere(boris, id)


@pytest.mark.usefixtures("tokens_live_on")
async def test_what_happens_at_once_leaves_nothing_open(anna: Person) -> None:
    """Publishing, closing and duplicating while it is taken down and its company held."""
    await anna.hire()
    ids = [await anna.vacancy(title=f"Job {n}") for n in range(4)]
    for id in ids:
        await anna.call("POST", f"/vacancies/{id}/publish")
    service, client = anna.service, anna.service.client

    async def act(id: str, action: str) -> int:
        path = f"/api/vacancies/vacancies/{id}/{action}"
        return (await client.post(path, headers=service.as_user(anna.id))).status_code

    done = await asyncio.gather(
        *(take_down(service, id) for id in ids for _ in range(2)),
        *(act(id, action) for id in ids for action in ("pause", "publish", "close", "copy")),
        block(anna, 1),
    )
    assert sum(one is True for one in done) == len(ids)
    assert {one for one in done if isinstance(one, int) and one > 1} <= {200, 201, 409}
    nobody = Person(service, uuid4())
    for id in ids:
        assert await everywhere(nobody, id) == set()
    rows = (await anna.call("GET", "/vacancies?mine=true&limit=100"))["items"]
    assert all(one["held"] for one in rows)


async def test_only_the_latest_role_makes_an_operator(anna: Person, boris: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    await take_down(anna.service, id)
    await make_operator(boris)
    await boris.call("GET", f"/vacancies/{id}")
    await make_operator(boris, "applicant", sequence=3)
    await make_operator(boris, sequence=2)  # late
    await boris.call("GET", f"/vacancies/{id}", expect=410)
    token = anna.service.as_user(boris.id, role="admin")  # what the token says does not count
    answer = await anna.service.client.get(f"/api/vacancies/vacancies/{id}", headers=token)
    assert answer.status_code == 410
