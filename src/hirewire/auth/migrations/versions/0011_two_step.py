"""Sign-in in two steps: secrets of authenticator apps, recovery codes, logins that lack a code."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = """
create table second_factor (
    user_id uuid primary key references user_account (id) on delete cascade,
    secret bytea not null,
    begun_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint,
    wrong_codes integer not null default 0,
    wrong_since timestamptz
);
create index second_factor_begun on second_factor (begun_at) where confirmed_at is null;
create table recovery_code (
    user_id uuid not null references user_account (id) on delete cascade,
    mark bytea not null,
    used_at timestamptz,
    primary key (user_id, mark)
);
create table login_ticket (
    hash bytea primary key,
    user_id uuid not null references user_account (id) on delete cascade,
    expires_at timestamptz not null,
    attempts integer not null default 0
);
create index login_ticket_user on login_ticket (user_id);
create index login_ticket_expires_at on login_ticket (expires_at);
comment on column second_factor.secret is 'The secret of the app, encrypted';
comment on column second_factor.confirmed_at is 'Null: the first code is still to come';
comment on column second_factor.last_step is 'The time step of the last code that was accepted';
comment on column second_factor.wrong_codes is 'Since wrong_since';
comment on column recovery_code.mark is 'Digest of the code, keyed with the secret';
comment on column login_ticket.hash is 'SHA-256 of the ticket';
comment on column login_ticket.attempts is 'Wrong codes'
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in ("login_ticket", "recovery_code", "second_factor"):
        op.execute(f"drop table {table}")
