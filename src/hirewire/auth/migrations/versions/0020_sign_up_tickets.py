"""Identities at providers that have no account yet: they wait for the consent."""

from alembic import op

revision = "0020"
down_revision = "0019"

STATEMENTS = """
create table sign_up_ticket (
    hash bytea primary key,
    provider text not null,
    identity bytea not null,
    expires_at timestamptz not null
);
create index sign_up_ticket_expires_at on sign_up_ticket (expires_at);
comment on column sign_up_ticket.hash is 'SHA-256 of the ticket';
comment on column sign_up_ticket.identity is 'Who it is there, encrypted'
"""


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table sign_up_ticket")
