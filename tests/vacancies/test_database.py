"""The migrations take what was there with them."""

from importlib import import_module
from uuid import uuid4

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from tests.vacancies.conftest import Person

LINE = """
insert into activity (event_id, resume_id, user_id, action, version, occurred_at, heard_at)
select gen_random_uuid(), :resume, :resume, :action, :version, now(), now()
"""


async def test_lines_that_are_there_twice_become_one(anna: Person) -> None:
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
