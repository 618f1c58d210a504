"""Migrations of `profiles` with existing data."""

import json
from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from hirewire.messaging.testing import consume
from hirewire.profiles.resumes.models import ExperienceChanges, ImportedResume, ResumeChanges
from tests.profiles.conftest import Person
from tests.profiles.readers.test_readers import applied, candidate, hires, moved

DOCUMENT = {
    "basics": {"label": "Cook", "profiles": [{"url": "example.org/a"}], "summary": "x" * 15_000},
    "work": [{"name": "Acme", "startDate": "0001", "highlights": ["Won"]}],
    "education": [{"institution": "ITMO", "startDate": "0001"}],
    "languages": [{"language": "English", "fluency": "Fluent"}, {"language": "Deutsch"}],
    "certificates": [{"name": "Old", "url": "javascript:1"}],
    "projects": [{"name": "Hirewire", "highlights": ["One"]}],
    "awards": [{"title": "Best"}],
}


async def test_earlier_imports_are_read_again(anna: Person) -> None:
    made = await anna.call("POST", "/resumes/import", DOCUMENT, expect=201)
    at = f"/resumes/{made['id']}"
    await anna.call("PATCH", at, {"title": "Chef"})
    migration = import_module("hirewire.profiles.migrations.versions.0004_projects_and_highlights")

    def back_and_forth(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            old = {
                "summary": "x" * 15_000,
                "links": json.dumps([{"url": "example.org/a", "label": None}]),
                "languages": json.dumps(
                    [{"language": "English", "level": None}, {"language": "Deutsch", "level": None}]
                ),
                "certificates": json.dumps(
                    [{"name": "Old", "issuer": None, "date": None, "url": "javascript:1"}]
                ),
                "imported": json.dumps({**DOCUMENT, "work": [], "education": []}),
            }
            connection.execute(
                text("""
                    update resume set summary = :summary, imported = cast(:imported as json),
                        links = cast(:links as jsonb), languages = cast(:languages as jsonb),
                        certificates = cast(:certificates as jsonb)
                """),
                old,
            )
            connection.execute(text("update experience set start = '0001'"))
            connection.execute(text("update education set start_year = 1"))
            migration.upgrade()

    async with anna.service.engine.begin() as connection:
        await connection.run_sync(back_and_forth)
    # A stored response from an earlier version lacks some of today's fields.
    kept = {n: v for n, v in made.items() if n not in ("projects", "more", "leftOut")}
    kept["experience"] = [
        {n: v for n, v in job.items() if n != "highlights"} for job in made["experience"]
    ]
    assert ImportedResume.model_validate(kept).left_out == []
    expected = DOCUMENT | {"basics": DOCUMENT["basics"] | {"label": "Chef"}}  # type: ignore[operator]
    assert await anna.call("GET", f"{at}/export") == expected
    found = await anna.call("GET", at)
    assert found["projects"][0]["highlights"] == ["One"]
    assert found["languages"][0]["level"] == "C1"
    assert found["links"] == [{"url": "https://example.org/a", "label": None}]
    [job] = found["experience"]
    assert (job["start"], job["highlights"]) == (None, ["Won"])
    names = {one.alias or name for name, one in ResumeChanges.model_fields.items()}
    await anna.call("PATCH", at, {name: found[name] for name in names})
    names = {one.alias or name for name, one in ExperienceChanges.model_fields.items()}
    await anna.call("PATCH", f"{at}/experience/{job['id']}", {name: job[name] for name in names})
    assert await anna.call("GET", f"{at}/export") == expected


CERTIFICATES = [
    {"name": "a", "issuer": None, "date": None, "url": "javascript:alert(1)"},
    {"name": "b", "issuer": None, "date": None, "url": "data:text/html,x"},
    {"name": "c", "issuer": None, "date": None, "url": "example.org/c"},
    {"name": "d", "issuer": None, "date": None, "url": "HTTPS://example.org/d"},
    {"name": "e", "issuer": None, "date": None, "url": None},
]


async def test_earlier_copies_are_kept_unchanged_with_web_links_only(
    anna: Person, boris: Person
) -> None:
    resume, consumer = await candidate(anna, summary="Was"), anna.service.messaging.consumer
    await anna.call(
        "POST", f"/resumes/{resume}/experience", {"position": "Data", "start": "2020"}, expect=201
    )
    await hires(boris)
    event = applied(anna, resume)
    await consume(consumer, event)
    before = await boris.call("GET", f"/candidates/{resume}")
    migration = import_module("hirewire.profiles.migrations.versions.0005_kept_resumes")

    def back_and_forth(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            given = {"certificates": json.dumps(CERTIFICATES)}
            connection.execute(
                text("update resume set certificates = cast(:certificates as jsonb)"), given
            )
            migration.upgrade()

    async with anna.service.engine.begin() as connection:
        await connection.run_sync(back_and_forth)
    found = await anna.call("GET", f"/resumes/{resume}")
    assert [one["url"] for one in found["certificates"]] == [
        *(None, None, "https://example.org/c", "HTTPS://example.org/d", None)
    ]
    await anna.call("PATCH", f"/resumes/{resume}", {"summary": "Is", "certificates": []})
    kept = await boris.call("GET", f"/candidates/{resume}")
    asked = before.keys() - {"certificates", "asOf"}
    assert {name: kept[name] for name in asked} == {name: before[name] for name in asked}
    assert kept["asOf"] is not None
    await consume(consumer, moved(event, "interview", "invited"))
    assert (await boris.call("GET", f"/candidates/{resume}"))["summary"] == "Is"
    await consume(consumer, moved(event, "discard_by_applicant", "withdrawn"))
    assert (await boris.call("GET", f"/candidates/{resume}"))["contacts"] == []
