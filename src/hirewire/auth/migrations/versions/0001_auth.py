"""Users, sessions, failed logins, signing keys."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table user_account (
    id uuid primary key,
    email text not null,
    email_key text not null unique,
    password_hash text not null,
    role text not null,
    registered_at timestamptz not null default now(),
    constraint user_account_role check (role in ('applicant', 'employer', 'admin'))
);
create table session (
    id uuid primary key,
    user_id uuid not null references user_account (id) on delete cascade,
    started_at timestamptz not null,
    ends_at timestamptz not null,
    revoked_at timestamptz,
    revoked_why text
);
create index session_by_user on session (user_id);
create index session_ends_at on session (ends_at);
create table refresh_token (
    hash bytea primary key,
    session_id uuid not null references session (id) on delete cascade,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_token_session on refresh_token (session_id);
create index refresh_token_expires_at on refresh_token (expires_at);
create table failed_login (
    network text not null,
    account bytea not null,
    at timestamptz not null
);
create index failed_login_network on failed_login (network, at);
create index failed_login_at on failed_login (at);
create table signing_key (
    kid text primary key,
    private_jwk jsonb not null,
    not_before timestamptz not null,
    sign_from timestamptz not null,
    sign_until timestamptz not null,
    not_after timestamptz not null
);
comment on column user_account.email_key is 'Normalised, case folded';
comment on column user_account.password_hash is 'argon2id, in PHC form';
comment on column session.id is 'A family of refresh tokens: one login';
comment on column session.ends_at is 'However often refreshed';
comment on column refresh_token.hash is 'SHA-256 of the token';
comment on column failed_login.network is 'IPv4 address or IPv6 /64 it came from';
comment on column failed_login.account is 'SHA-256 of the e-mail address tried';
comment on column signing_key.kid is 'RFC 7638 thumbprint';
comment on column signing_key.not_before is 'Made and published';
comment on column signing_key.sign_until is 'Unless followed sooner';
comment on column signing_key.not_after is 'Its last token is dead'
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("signing_key", "failed_login", "refresh_token", "session", "user_account"):
        op.execute(f"drop table {table}")
