"""Every table with data of a person is exported, or a list says why not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hirewire.auth.exports import documents as auth
from hirewire.kit.exports.files import LEFT_OUT_EVERYWHERE, Section
from hirewire.kit.settings import Settings
from hirewire.messaging.database import connect
from hirewire.notifications.exporting import documents as notifications
from hirewire.profiles.exporting import documents as profiles
from hirewire.vacancies.exporting import documents as vacancies
from tests.services import copy_of_migrated

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"
OWNERS = ("user_id", "owner_id", "resume_id", "account_id", "subject_id")
"""Columns that tie a row to a person."""
SERVICES: dict[str, tuple[Sequence[Section], Mapping[str, str], Mapping[str, str]]] = {
    "auth": ((auth.ACCOUNT, *auth.SECTIONS), auth.ELSEWHERE, auth.LEFT_OUT),
    "profiles": ((profiles.PROFILE, *profiles.SECTIONS), profiles.ELSEWHERE, profiles.LEFT_OUT),
    "vacancies": (vacancies.SECTIONS, vacancies.ELSEWHERE, vacancies.LEFT_OUT),
    "notifications": (notifications.SECTIONS, notifications.ELSEWHERE, notifications.LEFT_OUT),
}
COLUMNS = """
select table_schema, table_name, column_name from information_schema.columns
where table_schema in ('public', 'kit')
"""
REFERENCES = """
select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'
"""


async def _personal(url: str, *more: str) -> tuple[set[str], set[str]]:
    """The tables with a person's id or a foreign key, in any number of steps, to one of those; and
    all tables. `more` are statements to execute first.
    """
    connection = await connect(url, application="tests")
    try:
        for statement in more:
            await connection.execute(statement)
        every: set[str] = set()
        found: set[str] = set()
        for schema, table, column in await connection.fetch(COLUMNS):
            name = table if schema == "public" else f"{schema}.{table}"
            every.add(name)
            if column in OWNERS:
                found.add(name)
        pairs = [(one, other) for one, other in await connection.fetch(REFERENCES)]
    finally:
        await connection.close()
    before = -1
    while len(found) > before:
        before = len(found)
        for pair in pairs:
            if found.intersection(pair):
                found.update(pair)
    return found, every


@pytest.mark.parametrize("name", SERVICES)
async def test_no_table_is_forgotten(fresh_address: str, name: str) -> None:
    url = Settings(database_url=fresh_address).service_database(name)
    await copy_of_migrated(url, name)
    sections, elsewhere, left_out = SERVICES[name]
    exported = {section.table.name for section in sections} | set(elsewhere)
    personal, every = await _personal(url)
    assert personal - exported - set(left_out) == set(), (
        "neither exported nor left out for a reason"
    )
    assert exported & set(left_out) == set()
    assert (exported | set(left_out)) - every == set(), "no such table"
    assert all(left_out.values())
    assert set(LEFT_OUT_EVERYWHERE) <= set(left_out)
    names = [section.name for section in sections]
    assert len(names) == len(set(names))
    for section in sections:
        assert set(section.without) <= {column.name for column in section.table.columns}
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in (*names, *elsewhere.values()):
        assert f"`{name}`" in text, "every member is documented"


async def test_a_table_that_hangs_on_a_persons_row_is_found(fresh_address: str) -> None:
    url = Settings(database_url=fresh_address).service_database("auth")
    await copy_of_migrated(url, "auth")
    personal, _ = await _personal(url)
    found, _ = await _personal(
        url,
        "create table mood (user_id uuid)",
        "create table trip (id uuid primary key, session uuid references session)",
        "create table leg (trip uuid references trip)",
        "create table weather (at date)",
    )
    assert found - personal == {"mood", "trip", "leg"}
