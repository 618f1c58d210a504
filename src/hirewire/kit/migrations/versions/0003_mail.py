"""Mails to send."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table kit.mail (
            id uuid primary key,
            kind text not null,
            user_id uuid,
            content bytea,
            state text not null default 'queued',
            attempts integer not null default 0,
            deferrals integer not null default 0,
            unanswered integer not null default 0,
            created_at timestamptz not null,
            next_attempt_at timestamptz not null,
            expires_at timestamptz,
            ended_at timestamptz,
            error text,
            constraint mail_state check (state in ('queued', 'sent', 'dead', 'expired')),
            constraint mail_content check (
                (content is not null) = (state in ('queued', 'dead'))
            ),
            constraint mail_ended check ((ended_at is not null) = (state <> 'queued'))
        )
        """
    )
    op.execute("comment on column kit.mail.content is 'Address, subject and text, encrypted'")
    op.execute(
        "comment on column kit.mail.unanswered is "
        "'Attempts after which it is unknown whether the server took the mail'"
    )
    op.execute("create index mail_due on kit.mail (next_attempt_at) where state = 'queued'")
    op.execute("create index mail_ended_at on kit.mail (ended_at) where state <> 'queued'")
    op.execute("create index mail_user on kit.mail (user_id)")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table kit.mail")
