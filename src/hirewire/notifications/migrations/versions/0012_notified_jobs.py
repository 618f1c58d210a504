"""When people were mailed of the vacancies that their searches have found, and by which title."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns."""
    op.execute(
        "alter table found_vacancy add column notified_at timestamptz, "
        "add column notified_title text"
    )
    op.execute(
        "comment on column found_vacancy.notified_at is "
        "'Of one that was taken back: when the person was last mailed or pushed about it'"
    )
    op.execute("comment on column found_vacancy.notified_title is 'Its title then'")
    op.execute(
        "comment on column found_vacancy.mails is "
        "'How many mails the notice was in before; -1: it is not mailed again'"
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table found_vacancy drop column notified_at, drop column notified_title")
