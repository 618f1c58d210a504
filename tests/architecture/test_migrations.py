"""Migrations leave the previous version running: squawk reads their SQL, without a database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src" / "hirewire"
SQUAWK = Path(sys.executable).with_name("squawk")
NEWEST_BEFORE = {
    "auth": "0025",
    "kit": "0008",
    "messaging": "0011",
    "notifications": "0013",
    "profiles": "0008",
    "vacancies": "0021",
}
"""The migrations from before this rule. Of these, `./dev upgrade` has run the later ones."""
OUTSIDE = (
    # `migrate` sets the limits itself, and tries again.
    "require-lock-timeout",
    "require-statement-timeout",
    # Matters of taste.
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamptz",
)
ACCEPTED: dict[tuple[str, str], str] = {}
"""What is no fault, by migration (`vacancies/0022_name`) and rule, and why: a small table, or what
the previous version has not used any more."""


class _Rows(list[object]):
    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: _Rows()


class _Recorder:
    """Stands for Alembic's `op`, and for the connection: keeps the statements."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: object, *_: object, **__: object) -> _Rows:
        self.statements.append(str(statement).strip().rstrip(";"))
        return _Rows()

    exec_driver_sql = execute

    def get_bind(self) -> "_Recorder":
        return self


def sql_of(module: ModuleType) -> str:
    """The statements of a migration's upgrade on a database without rows."""
    recorder, given = _Recorder(), module.op
    module.op = recorder  # type: ignore[attr-defined]
    try:
        module.upgrade()
    finally:
        module.op = given  # type: ignore[attr-defined]
    return ";\n".join(recorder.statements) + ";\n"


def faults(sql: str) -> list[str]:
    """The rules that this SQL breaks."""
    done = subprocess.run(
        [
            *(SQUAWK, "--assume-in-transaction", "--pg-version", "15", "--reporter", "json"),
            *("--exclude", ",".join(OUTSIDE), "--stdin-filepath", "migration.sql"),
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    return sorted({str(one["rule_name"]) for one in json.loads(done.stdout)})


def new_migrations() -> Iterator[str]:
    for path in sorted(SOURCES.glob("*/migrations/versions/[0-9]*.py")):
        owner = path.relative_to(SOURCES).parts[0]
        if path.name[:4] > NEWEST_BEFORE.get(owner, ""):
            yield f"{owner}/{path.stem}"


@pytest.mark.parametrize("name", [*new_migrations(), None])
def test_a_migration_leaves_the_previous_version_running(name: str | None) -> None:
    if name is None:
        return  # there may be none yet
    owner, _, file = name.partition("/")
    module = import_module(f"hirewire.{owner}.migrations.versions.{file}")
    found = [rule for rule in faults(sql_of(module)) if (name, rule) not in ACCEPTED]
    assert found == [], "see `Upgrades` in docs/operations.md, and squawk's page of each rule"


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("alter table vacancy drop column title", "ban-drop-column"),
        ("alter table vacancy rename column title to name", "renaming-column"),
        ("alter table vacancy rename to job", "renaming-table"),
        ("drop table vacancy", "ban-drop-table"),
        ("alter table vacancy add column x text not null", "adding-required-field"),
        ("alter table vacancy alter column title type integer", "changing-column-type"),
        ("alter table vacancy alter column title set not null", "adding-not-nullable-field"),
        ("create index on vacancy (title)", "require-concurrent-index-creation"),
        (
            "alter table vacancy add constraint c check (x > 0)",
            "constraint-missing-not-valid",
        ),
    ],
)
def test_that_rule_catches_what_breaks_it(sql: str, rule: str) -> None:
    module = ModuleType("migration")
    module.op = None  # type: ignore[attr-defined]
    module.upgrade = lambda: module.op.execute(sql)  # type: ignore[attr-defined]
    assert rule in faults(sql_of(module))


def test_what_only_adds_is_no_fault() -> None:
    sql = "alter table vacancy add column x text; create table y (n bigint); create index on y (n);"
    assert faults(sql) == []


def test_every_migration_can_be_read_without_a_database() -> None:
    for path in sorted(SOURCES.glob("*/migrations/versions/[0-9]*.py")):
        owner = path.relative_to(SOURCES).parts[0]
        assert sql_of(import_module(f"hirewire.{owner}.migrations.versions.{path.stem}"))


def test_what_is_accepted_exists() -> None:
    assert {name for name, _ in ACCEPTED} <= set(new_migrations())
