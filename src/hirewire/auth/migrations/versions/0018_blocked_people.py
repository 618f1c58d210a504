"""People whom an operator has blocked, and the index by which operators find people."""

from alembic import op

revision = "0018"
down_revision = "0014"

STATEMENTS = """
alter table user_account
    add column blocked_at timestamptz,
    add column blocked_by uuid,
    add column blocked_why text,
    add column role_besides text,
    add constraint user_account_blocked check (
        (blocked_at is null) = (blocked_why is null)
        and (blocked_at is not null or blocked_by is null)
    );
comment on column user_account.blocked_by is 'The operator; null: the command line';
comment on column user_account.role_besides is 'Of an admin: the role without it';
create index user_account_key_prefix on user_account (email_key text_pattern_ops);
create index user_account_admins on user_account (id) where role = 'admin'
"""


def upgrade() -> None:
    """Add the columns and the indexes."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index user_account_admins")
    op.execute("drop index user_account_key_prefix")
    op.execute(
        "alter table user_account drop column blocked_at, drop column blocked_by, "
        "drop column blocked_why, drop column role_besides"
    )
