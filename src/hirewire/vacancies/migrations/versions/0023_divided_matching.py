"""Matching that workers divide by shards of the vacancies."""

from alembic import op

revision = "0023"
down_revision = "0022"
SHARD = """
create table matching_shard (
    number integer primary key,
    done bigint not null,
    ruleset text not null
) with (fillfactor = 50)
"""


def upgrade() -> None:
    """Create the table, which is empty while matching is whole."""
    op.execute(SHARD)
    op.execute(
        "comment on column matching_shard.done is"
        " 'Generation up to which its vacancies were compared'"
    )
    op.execute("alter table generation add column divided boolean not null default false")
    op.execute("alter table comparable add column cause jsonb")
    op.execute(
        "comment on column comparable.cause is"
        " 'Context of the last change, while matching is divided'"
    )


def downgrade() -> None:
    """Drop it. What the shards owed is compared by the next change of its ruleset."""
    op.execute("drop table matching_shard")
    op.execute("alter table generation drop column divided")
    op.execute("alter table comparable drop column cause")
