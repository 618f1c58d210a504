"""Starts of a suspect's handling, by the process that started it."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
drop table messaging.suspect;
create table messaging.suspect (
    fingerprint uuid not null,
    instance uuid not null,
    first_start timestamptz not null default clock_timestamp(),
    primary key (fingerprint, instance)
);
comment on table messaging.suspect is
    'Messages that were handed out again and again, and the processes that started to handle them'
"""


def upgrade() -> None:
    """Count processes in place of starts. What was counted so far begins again."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a former version would not know whose starts they are."""
    raise NotImplementedError
