"""What a session is known by in the list of sessions."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = """
alter table session add column used_at timestamptz;
alter table session add column device text;
alter table session add column network text;
comment on column session.used_at is 'The last refresh';
comment on column session.device is 'Browser and system, by the User-Agent at login';
comment on column session.network is 'IPv4 /24 or IPv6 /48 of the login'
"""


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for column in ("used_at", "device", "network"):
        op.execute(f"alter table session drop column {column}")
