"""Callbacks of sign-in providers that have signed nobody in, by network."""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS = """
create table provider_callback (
    id uuid primary key,
    network text not null,
    at timestamptz not null
);
create index provider_callback_network on provider_callback (network, at);
create index provider_callback_at on provider_callback (at);
comment on column provider_callback.network is 'IPv4 address or IPv6 /64 it came from'
"""


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table provider_callback")
