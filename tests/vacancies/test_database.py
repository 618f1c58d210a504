"""Migrations keep existing data."""

from importlib import import_module
from uuid import uuid4

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from tests.vacancies.applications.conftest import Board, board
from tests.vacancies.conftest import Person

__all__ = ["board"]  # a fixture

LINE = """
insert into activity (event_id, resume_id, user_id, action, version, occurred_at, heard_at)
select gen_random_uuid(), :resume, :resume, :action, :version, now(), now()
"""


async def test_duplicate_rows_become_one(anna: Person) -> None:
    facts = import_module("hirewire.vacancies.migrations.versions.0002_activity_facts")
    resume = uuid4()

    def down_and_up(connection: Connection) -> list[tuple[str, int | None, bool]]:
        with Operations.context(MigrationContext.configure(connection)):
            facts.downgrade()
            for action, version in (("created", None), ("updated", None), ("updated", 2)):
                values = {"resume": resume, "action": action, "version": version}
                connection.execute(text(LINE), [values, values])
            facts.upgrade()
        kept = connection.execute(
            text("select action, version, shown from activity order by position")
        )
        return [(row.action, row.version, row.shown) for row in kept]

    async with anna.service.engine.begin() as connection:
        assert await connection.run_sync(down_and_up) == [
            ("created", None, True),
            ("updated", None, True),
            ("updated", None, True),
            ("updated", 2, True),
        ]


async def test_a_changed_resume_writes_its_recommendations_without_their_indexes(
    anna: Person,
) -> None:
    async with anna.service.engine.begin() as connection:
        await connection.execute(
            text(
                "insert into recommendation (id, vacancy_id, resume_id, company_id, user_id, score,"
                " vacancy_version, ruleset, state, created_at, updated_at) select"
                " gen_random_uuid(), gen_random_uuid(), :resume, gen_random_uuid(), :resume, 0.5,"
                " 1, 'x', 'new', now(), now() from generate_series(1, 500)"
            ),
            {"resume": uuid4()},
        )
        await connection.execute(text("update recommendation set score = 0.6, resume_version = 2"))
        heap_only = "select pg_stat_get_xact_tuples_hot_updated('recommendation'::regclass)"
        assert (await connection.execute(text(heap_only))).scalar_one() >= 490


async def test_drafts_are_hidden_again_and_applications_keep_their_resumes(
    board: Board,
) -> None:
    drafts = import_module("hirewire.vacancies.migrations.versions.0007_drafts_and_kept_resumes")
    await board.apply()
    _, draft = await board.somebody()
    other, theirs = await board.somebody()

    def back_and_forth(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            drafts.downgrade()
            connection.execute(
                text(
                    'update resume set snapshot = snapshot || \'{"status": "draft"}\' '
                    "where resume_id = :draft"
                ),
                {"draft": draft},
            )
            drafts.upgrade()

    async with board.boss.service.engine.begin() as connection:
        await connection.run_sync(back_and_forth)
        rows = await connection.execute(
            text("select resume_id, state from resume order by updated_at")
        )
        assert [tuple(row) for row in rows] == [
            (board.resume, "visible"),
            (draft, "unseen"),
            (theirs, "visible"),
        ]
        kept = await connection.execute(text("select kept_resume from application"))
        assert kept.scalar_one() == {"title": "Developer", "area": "Omsk", "skills": ["Go"]}
    await board.say(other, theirs, 2)
    lines = (await board.boss.call("GET", "/activity"))["items"]
    assert str(draft) not in str(lines)
