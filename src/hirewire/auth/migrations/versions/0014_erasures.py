"""Erased users and their receipts: ids only."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the tables."""
    op.execute(
        """
        create table erasure (
            id uuid primary key,
            user_id uuid not null unique,
            receipt_hash bytea not null unique,
            erased_at timestamptz not null,
            services text[] not null,
            completed_at timestamptz
        )
        """
    )
    op.execute("comment on column erasure.receipt_hash is 'SHA-256 of the receipt id'")
    op.execute("comment on column erasure.services is 'Whose answers are expected'")
    op.execute("create index erasure_open on erasure (erased_at) where completed_at is null")
    op.execute(
        """
        create table erasure_answer (
            erasure_id uuid not null,
            service text not null,
            records integer not null,
            at timestamptz not null,
            primary key (erasure_id, service)
        )
        """
    )


def downgrade() -> None:
    """Drop them. Who was erased is then known to the services only."""
    op.execute("drop table erasure_answer")
    op.execute("drop table erasure")
