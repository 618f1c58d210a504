"""Personal access tokens, as hashes."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table personal_token (
            id uuid primary key,
            user_id uuid not null references user_account (id) on delete cascade,
            name text not null,
            hash bytea not null unique,
            scopes text[] not null,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz
        )
        """
    )
    op.execute("create index personal_token_by_user on personal_token (user_id)")
    op.execute("create index personal_token_expires_at on personal_token (expires_at)")
    op.execute("comment on column personal_token.hash is 'SHA-256 of the token'")
    op.execute("comment on column personal_token.used_at is 'Exact to the hour'")


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table personal_token")
