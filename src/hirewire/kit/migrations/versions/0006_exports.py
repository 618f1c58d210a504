"""Parts of exports, stored encrypted for a day."""

from alembic import op

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    op.execute(
        """
        create table kit.export_part (
            export_id uuid primary key,
            user_id uuid not null,
            language text not null check (language in ('en', 'ru')),
            attempts integer not null default 0,
            next_attempt_at timestamptz not null,
            made_at timestamptz,
            expires_at timestamptz not null
        )
        """
    )
    op.execute(
        """
        create table kit.export_file (
            export_id uuid not null references kit.export_part on delete cascade,
            number integer not null,
            path text not null,
            size bigint not null,
            pieces integer not null,
            primary key (export_id, number)
        )
        """
    )
    op.execute(
        """
        create table kit.export_piece (
            export_id uuid not null references kit.export_part on delete cascade,
            file integer not null,
            piece integer not null,
            content bytea not null,
            primary key (export_id, file, piece)
        )
        """
    )
    op.execute("comment on column kit.export_piece.content is 'Compressed and encrypted'")
    op.execute("create index export_part_user on kit.export_part (user_id)")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("drop table kit.export_piece")
    op.execute("drop table kit.export_file")
    op.execute("drop table kit.export_part")
