"""Consents to the processing of personal data."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table consent (
            user_id uuid not null references user_account on delete cascade,
            version text not null,
            given_at timestamptz not null,
            device text,
            network text,
            primary key (user_id, version)
        )
        """
    )
    op.execute("comment on column consent.version is 'Of the privacy notice'")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table consent")
