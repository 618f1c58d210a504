"""Links that work once, limits on asking for them, and the language of mails."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
alter table user_account add column language text;
alter table user_account add constraint user_account_language check (language in ('en', 'ru'));
create table one_time_secret (
    id uuid primary key,
    user_id uuid not null references user_account (id) on delete cascade,
    purpose text not null,
    token_hash bytea not null unique,
    code_mark bytea,
    address_key text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    attempts integer not null default 0
);
create index one_time_secret_user on one_time_secret (user_id, purpose);
create index one_time_secret_expires_at on one_time_secret (expires_at);
create table mail_request (
    network text not null,
    account bytea not null,
    purpose text not null,
    at timestamptz not null
);
create index mail_request_network on mail_request (network, at);
create index mail_request_account on mail_request (account, at);
create index mail_request_at on mail_request (at);
comment on column user_account.language is 'Of mails; null: the language of the request';
comment on column one_time_secret.token_hash is 'SHA-256 of the token in the link';
comment on column one_time_secret.code_mark is 'Keyed digest of the six-digit code';
comment on column one_time_secret.address_key is 'The key of the address it was sent to';
comment on column one_time_secret.attempts is 'Wrong codes';
comment on column mail_request.network is 'IPv4 address or IPv6 /64 it came from';
comment on column mail_request.account is 'SHA-256 of the key of the e-mail address'
"""


def upgrade() -> None:
    """Create the tables and the column."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table mail_request")
    op.execute("drop table one_time_secret")
    op.execute("alter table user_account drop column language")
