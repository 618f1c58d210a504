"""Owners of old resumes are asked before these are deleted."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table resume_retention (
            resume_id uuid primary key references resume on delete cascade,
            kept_at timestamptz,
            notice_id uuid,
            asked_at timestamptz,
            notified_at timestamptz
        )
        """
    )
    op.execute("comment on column resume_retention.kept_at is 'When the owner said to keep it'")
    op.execute("comment on column resume_retention.notified_at is 'When the mail was queued'")
    op.execute("create index resume_retention_notice on resume_retention (notice_id)")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table resume_retention")
