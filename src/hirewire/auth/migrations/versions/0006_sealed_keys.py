"""Signing keys stand encrypted, and their public parts readable beside them.

`auth` encrypts what is here already: a migration has no `HIREWIRE_SECRET_KEY`. Processes of an
older version go on signing with the readable key until it is removed.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = """
alter table signing_key
    add column public_jwk jsonb,
    add column sealed bytea,
    add column plain_until timestamptz,
    alter column private_jwk drop not null;
update signing_key set public_jwk = private_jwk - 'd';
comment on column signing_key.private_jwk is 'Readable, as an older version stored it';
comment on column signing_key.public_jwk is 'Null: an older version made the key just now';
comment on column signing_key.sealed is 'The private key, encrypted';
comment on column signing_key.plain_until is 'When private_jwk is removed'
"""


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the columns, and the keys that are only encrypted: the older version makes a new one."""
    op.execute("delete from signing_key where private_jwk is null")
    op.execute(
        "alter table signing_key drop column public_jwk, drop column sealed, "
        "drop column plain_until, alter column private_jwk set not null"
    )
    op.execute("comment on column signing_key.private_jwk is null")
