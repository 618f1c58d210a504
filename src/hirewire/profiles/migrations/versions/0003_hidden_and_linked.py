"""From which companies a resume is hidden, and the key of its link."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns."""
    op.execute("""
        alter table resume
            add column hidden_from text[] not null default '{}',
            add column link_key text unique
    """)
    op.execute("alter table resume alter column hidden_from drop default")
    op.execute("""
        update resume set link_key = replace(gen_random_uuid()::text, '-', '')
        where visibility = 'link'
    """)


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table resume drop column hidden_from, drop column link_key")
