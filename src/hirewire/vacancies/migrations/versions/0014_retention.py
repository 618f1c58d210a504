"""Applicants of old applications are asked before these are anonymised."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table application_retention (
            application_id uuid primary key references application on delete cascade,
            kept_at timestamptz,
            notice_id uuid,
            asked_at timestamptz,
            notified_at timestamptz,
            anonymised_at timestamptz
        )
        """
    )
    op.execute(
        "comment on column application_retention.kept_at is 'When the applicant said to keep it'"
    )
    op.execute("comment on column application_retention.notified_at is 'When the mail was queued'")
    op.execute("create index application_retention_notice on application_retention (notice_id)")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table application_retention")
