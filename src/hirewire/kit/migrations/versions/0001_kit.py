"""Public keys as heard, and answers by idempotency key."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.execute(
        """
        create table kit.signing_key (
            kid text primary key,
            jwk jsonb not null,
            not_before timestamptz not null,
            not_after timestamptz not null
        )
        """
    )
    op.execute(
        """
        create table kit.idempotency (
            scope text not null,
            key text not null,
            fingerprint text not null,
            answer jsonb,
            created_at timestamptz not null default now(),
            primary key (scope, key)
        )
        """
    )
    op.execute("create index idempotency_created on kit.idempotency (created_at)")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("drop table kit.idempotency")
    op.execute("drop table kit.signing_key")
