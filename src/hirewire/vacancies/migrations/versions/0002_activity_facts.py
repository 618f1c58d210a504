"""What was done while a resume was hidden stays hidden; what is true once is one line."""

from alembic import op

revision = "0002"
down_revision = "0001"

ONCE = """version is not null or action in ('created', 'deleted', 'experience_added',
    'experience_removed', 'education_added', 'education_removed')"""
REPEATED = f"""
delete from activity where position in (
    select position from (
        select position, row_number() over (
            partition by resume_id, action, version, item_id order by position
        ) as nth
        from activity where {ONCE}
    ) as line
    where nth > 1
)
"""  # noqa: S608
FACT = f"""
create unique index activity_fact on activity (resume_id, action, version, item_id)
nulls not distinct where {ONCE}
"""


def upgrade() -> None:
    """Add a column and an index."""
    op.execute("alter table activity add column shown boolean not null default true")
    op.execute("alter table activity alter column shown drop default")
    op.execute(REPEATED)
    op.execute(FACT)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index activity_fact")
    op.execute("alter table activity drop column shown")
