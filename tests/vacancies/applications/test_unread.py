"""Unread items of each side: new applications, invitations, messages, moves."""

from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from hirewire.vacancies.applications import commands, queries
from tests.vacancies.applications.conftest import Board
from tests.vacancies.conftest import Person


async def unread(person: Person) -> tuple[int, int]:
    """Unread counts as an applicant and as an employer."""
    said = await person.call("GET", "/applications/unread")
    return said["asApplicant"], said["asEmployer"]


async def listed(person: Person, query: str = "") -> list[int]:
    """The unread count of each application in a list."""
    found = await person.call("GET", f"/applications?{query}")
    return [one["unread"] for one in found["items"]]


async def counts(board: Board) -> dict[tuple[str, str], tuple[int, int]]:
    """By vacancy and stage: the number of applications, and of unread ones."""
    found = await board.boss.call("GET", "/applications/counts")
    return {
        (one["vacancyId"], one["stage"]): (one["count"], one["unread"]) for one in found["items"]
    }


async def test_an_application_is_new_until_it_is_opened(board: Board) -> None:
    id = (await board.apply())["id"]
    assert (await unread(board.boss), await unread(board.vera)) == ((0, 1), (0, 0))
    assert await counts(board) == {(board.vacancy, "response"): (1, 1)}
    assert await listed(board.boss, "role=employer&unread=true") == [1], "a list is no opening"
    assert await listed(board.vera, "unread=true") == []
    assert (await board.boss.call("GET", f"/applications/{id}"))["unread"] == 0
    assert await unread(board.boss) == (0, 0)
    assert await counts(board) == {(board.vacancy, "response"): (1, 0)}
    assert await listed(board.boss, "role=employer&unread=true") == []
    outsider, _ = await board.somebody()
    assert await unread(outsider) == (0, 0)
    await outsider.call("GET", "/applications?role=employer&unread=true", expect=403)


async def test_messages_are_unread_for_the_other_side_and_published(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.boss.call("GET", f"/applications/{id}")
    for words in ("Hello", "Are you there?"):
        await board.boss.call("POST", f"/applications/{id}/messages", {"text": words}, expect=201)
    assert (await unread(board.vera), await unread(board.boss)) == ((1, 0), (0, 0))
    assert await listed(board.vera, "unread=true") == [2]
    await board.vera.call("GET", f"/applications/{id}/messages")
    assert await unread(board.vera) == (0, 0)
    await board.vera.call("POST", f"/applications/{id}/messages", {"text": "Yes"}, expect=201)
    assert (await unread(board.vera), await unread(board.boss)) == ((0, 0), (0, 1))
    events = await board.published("application.message_sent")
    assert [one["side"] for one in events] == ["employer", "employer", "applicant"]
    assert {key for one in events for key in one} == {
        *("applicationId", "vacancyId", "companyId", "resumeId", "userId", "side"),
    }, "no word of what was written"


async def test_a_move_is_unread_for_those_who_can_see_it(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.vera.call("POST", f"/applications/{id}/messages", {"text": "Hi"}, expect=201)
    await board.move(id, "consider")
    assert await listed(board.boss, "role=employer") == [1], "the message is still to be read"
    assert await listed(board.vera) == [1]
    await board.vera.call("GET", f"/applications/{id}")
    await board.move(id, "assessment", comment="for colleagues")
    assert await listed(board.vera) == [0], "what they do not see is no news"
    await board.move(id, "consider", comment="Soon!", commentShared=True)
    assert await listed(board.vera) == [1]
    await board.move(id, "interview")
    assert await listed(board.vera) == [2]
    await board.boss.call("GET", f"/applications/{id}")
    await board.vera.call("POST", f"/applications/{id}/withdraw")
    assert await counts(board) == {(board.vacancy, "discard_by_applicant"): (1, 1)}


async def test_invitations_and_what_the_system_closes(board: Board) -> None:
    id = (await board.invite(message="Come!"))["id"]
    assert (await unread(board.vera), await unread(board.boss)) == ((1, 0), (0, 0))
    assert await board.published("application.message_sent") != []
    scores = f"/vacancies/{board.vacancy}/scores?resume={board.resume}"
    assert (await board.boss.call("GET", scores))["items"] == []
    await board.vera.call("POST", f"/applications/{id}/accept")
    [scored] = (await board.boss.call("GET", scores))["items"]
    assert scored["reasons"] == []
    [explained] = (await board.boss.call("GET", f"{scores}&reasons=true"))["items"]
    points = sum(reason["points"] for reason in explained["reasons"])
    assert points == pytest.approx(scored["score"], abs=1e-4)
    assert await unread(board.boss) == (0, 1)
    await board.boss.call("GET", f"/applications/{id}")
    await board.vera.call("GET", f"/applications/{id}")
    await board.close()
    assert (await unread(board.vera), await unread(board.boss)) == ((1, 0), (0, 0))
    board.vacancy = await board.open_vacancy()
    await board.apply()
    assert await unread(board.boss) == (0, 1)
    await board.boss.call("GET", f"/applications/{(await _latest(board))['id']}")
    await board.delete(board.vera, board.resume)
    assert await unread(board.boss) == (0, 1), "the resume was deleted, and so it is withdrawn"


async def test_the_score_is_shown_while_both_are_compared(board: Board) -> None:
    await board.apply()
    assert (await _latest(board))["score"] is None
    scores = f"/vacancies/{board.vacancy}/scores?resume={board.resume}"
    [scored] = (await board.boss.call("GET", scores))["items"]
    assert (scored["resumeId"], 0 < scored["score"] < 0.5) == (str(board.resume), True)
    await board.vera.call("GET", scores, expect=403)
    rival = Person(board.boss.service, uuid4())
    await rival.hire("Rival")
    await rival.call("GET", scores, expect=404)
    line = (
        "insert into recommendation (id, vacancy_id, resume_id, company_id, user_id, score, "
        "vacancy_version, ruleset, state, created_at, updated_at) "
        "select gen_random_uuid(), vacancy_id, resume_id, company_id, user_id, 0.75, "
        "1, '', 'new', now(), now() from application"
    )
    async with board.boss.service.engine.begin() as connection:
        await connection.execute(text(line))
    one = await _latest(board)
    assert one["score"] == 0.75
    assert (await board.vera.call("GET", f"/applications/{one['id']}"))["score"] is None
    await board.move(one["id"], "discard_by_employer")
    assert (await board.boss.call("GET", scores))["items"] == []
    assert (await _latest(board))["score"] is None, "it would show the resume as it is now"


async def test_of_earlier_applications_only_unopened_ones_are_unread(board: Board) -> None:
    migration = import_module("hirewire.vacancies.migrations.versions.0008_news")
    opened = (await board.apply())["id"]
    await board.boss.call("GET", f"/applications/{opened}")
    board.vacancy = await board.open_vacancy()
    await board.apply()
    board.vacancy = await board.open_vacancy()
    await board.invite()

    def down_and_up(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            migration.upgrade()

    async with board.boss.service.engine.begin() as connection:
        await connection.run_sync(down_and_up)
    assert await listed(board.boss, "role=employer") == [0, 1, 0]
    assert await listed(board.vera) == [1, 0, 0]


async def _latest(board: Board) -> Any:
    return (await board.boss.call("GET", "/applications?role=employer"))["items"][0]


async def test_items_that_arrive_while_reading_stay_unread(board: Board) -> None:
    id = (await board.apply())["id"]
    async with board.boss.service.messaging.transactions() as tx:
        row = await queries.application_of(tx, UUID(id))
        await board.vera.call("POST", f"/applications/{id}/messages", {"text": "Hi"}, expect=201)
        assert row is not None
        await commands.see(tx, row, "employer")
    assert await listed(board.boss, "role=employer") == [1]
