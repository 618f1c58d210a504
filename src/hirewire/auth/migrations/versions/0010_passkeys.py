"""Passkeys, and the challenges that browsers answer with them."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = """
create table passkey (
    id uuid primary key,
    user_id uuid not null references user_account (id) on delete cascade,
    credential_id bytea not null unique,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    added_at timestamptz not null,
    used_at timestamptz
);
create index passkey_user on passkey (user_id);
create table passkey_challenge (
    hash bytea primary key,
    session_id uuid references session (id) on delete cascade,
    network text not null,
    expires_at timestamptz not null
);
create index passkey_challenge_session on passkey_challenge (session_id);
create index passkey_challenge_network on passkey_challenge (network, expires_at);
create index passkey_challenge_expires_at on passkey_challenge (expires_at);
comment on column passkey.public_key is 'In COSE form (RFC 9052)';
comment on column passkey.sign_count is 'Of the last sign-in; a copied key would lag behind';
comment on column passkey_challenge.hash is 'SHA-256 of the challenge';
comment on column passkey_challenge.session_id is 'The session that adds it; null: a sign-in';
comment on column passkey_challenge.network is 'IPv4 address or IPv6 /64 it was sent to'
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table passkey_challenge")
    op.execute("drop table passkey")
