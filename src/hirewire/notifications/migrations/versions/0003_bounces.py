"""Mails that came back, and addresses that mails are not sent to any more."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the columns."""
    op.execute(
        """
        alter table person
            add mail_stopped_at timestamptz,
            add mail_stopped_for text,
            add mail_tried_at timestamptz
        """
    )
    op.execute("create index person_email on person (lower(email))")
    op.execute(
        """
        create table bounce (
            source text primary key,
            user_id uuid not null references person on delete cascade,
            kind text not null,
            status text,
            at timestamptz not null
        )
        """
    )
    op.execute("create index bounce_user on bounce (user_id)")
    op.execute("create index bounce_at on bounce (at)")
    for what, comment in {
        "column person.mail_stopped_at": "Since when mails cannot be delivered to the address",
        "column person.mail_stopped_for": "bounced or complained",
        "column person.mail_tried_at": "When the person last had a stopped address tried again",
        "column bounce.source": "By what a report is recognised that comes twice",
    }.items():
        op.execute(f"comment on {what} is '{comment}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table bounce")
    op.execute("drop index person_email")
    op.execute("alter table person drop mail_stopped_at, drop mail_stopped_for, drop mail_tried_at")
