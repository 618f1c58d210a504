"""API keys of companies, as hashes, and who acts for which company."""

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS = """
create table company_member (
    user_id uuid primary key references user_account (id) on delete cascade,
    company_id uuid not null
);
create index company_member_company on company_member (company_id);
create table api_key (
    id uuid primary key,
    company_id uuid not null,
    name text not null,
    scopes text[] not null,
    per_minute integer,
    created_by uuid references user_account (id) on delete set null,
    created_at timestamptz not null,
    used_at timestamptz
);
create index api_key_company on api_key (company_id);
create index api_key_created_by on api_key (created_by);
comment on column api_key.per_minute is 'Requests; null: as the board allows';
comment on column api_key.used_at is 'Exact to the hour';
create table api_key_secret (
    hash bytea primary key,
    key_id uuid not null references api_key (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index api_key_secret_key on api_key_secret (key_id, created_at);
comment on column api_key_secret.hash is 'SHA-256 of the key';
create unlogged table api_key_window (
    key_id uuid primary key references api_key (id) on delete cascade,
    begun timestamptz not null,
    used integer not null,
    granted integer not null
);
comment on column api_key_window.granted is 'With the latest call'
"""


def upgrade() -> None:
    """Create the tables. After a crash the counters of a minute may begin anew."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in ("api_key_window", "api_key_secret", "api_key", "company_member"):
        op.execute(f"drop table {table}")
