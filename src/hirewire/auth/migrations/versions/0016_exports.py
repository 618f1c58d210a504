"""Exports of a person's data."""

from alembic import op

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
    op.execute(
        """
        create table data_export (
            id uuid primary key,
            user_id uuid not null references user_account on delete cascade,
            requested_at timestamptz not null,
            public_url text not null,
            state text not null default 'running',
            ready_at timestamptz,
            expires_at timestamptz,
            constraint data_export_state check (state in ('running', 'ready', 'failed'))
        )
        """
    )
    op.execute("comment on column data_export.public_url is 'The board''s address, for the mail'")
    op.execute("comment on column data_export.expires_at is 'When the link and the parts die'")
    op.execute(
        "create unique index data_export_running on data_export (user_id) where state = 'running'"
    )
    op.execute("create index data_export_user on data_export (user_id, requested_at)")
    op.execute(
        """
        create table data_export_part (
            export_id uuid not null references data_export on delete cascade,
            service text not null,
            made_at timestamptz,
            primary key (export_id, service)
        )
        """
    )


def downgrade() -> None:
    """Drop the tables."""
    op.execute("drop table data_export_part")
    op.execute("drop table data_export")
