"""People whose access tokens are refused, and the log of operators' acts."""

from alembic import op

revision = "0007"
down_revision = "0004"

STATEMENTS = """
create table kit.refused_user (
    user_id uuid primary key,
    is_blocked boolean not null default false,
    block_changed_at timestamptz,
    is_erased boolean not null default false,
    tokens_until timestamptz not null,
    noted_at timestamptz not null
);
create index refused_user_noted_at on kit.refused_user (noted_at);
comment on column kit.refused_user.block_changed_at is 'An older change does nothing';
comment on column kit.refused_user.tokens_until is 'Tokens that were issued before are refused';
comment on column kit.refused_user.noted_at is 'When this service stored the row';
create table kit.operator_act (
    id uuid primary key,
    at timestamptz not null,
    operator_id uuid,
    act text not null,
    subject_kind text not null,
    subject_id text not null,
    why text not null,
    details jsonb not null default '{}'
);
comment on table kit.operator_act is 'Append-only: a trigger refuses every other change';
comment on column kit.operator_act.operator_id is 'Null: the command line of the server';
create index operator_act_at on kit.operator_act (at, id);
create index operator_act_subject on kit.operator_act (subject_kind, subject_id, at);
create function kit.refuse_change() returns trigger language plpgsql as
    $$ begin raise exception '%.% is append-only', tg_table_schema, tg_table_name; end $$;
create trigger operator_act_is_append_only
    before update or delete or truncate on kit.operator_act
    for each statement execute function kit.refuse_change()
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    op.execute("drop table kit.operator_act")
    op.execute("drop function kit.refuse_change()")
    op.execute("drop table kit.refused_user")
