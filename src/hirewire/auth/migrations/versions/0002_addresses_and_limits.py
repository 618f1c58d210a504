"""Addresses are compared in lower case, with IDN as punycode; limits of logins and registrations.

Case folding made one account of `straße@` and `strasse@`, and NFKC of other pairs. The address
itself, to which mail is sent, stays as it is.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op
from email_validator import EmailNotValidError, validate_email

from hirewire.messaging.schema import CannotMigrate

revision = "0002"
down_revision = "0001"

AT_ONCE = 5000
TABLES = """
create table known_place (
    user_id uuid not null references user_account (id) on delete cascade,
    place bytea not null,
    at timestamptz not null,
    primary key (user_id, place)
);
create index known_place_at on known_place (at);
create table registration (
    network text not null,
    at timestamptz not null
);
create index registration_network on registration (network, at);
create index registration_at on registration (at);
create index failed_login_account on failed_login (account, at);
comment on column user_account.email_key is 'In lower case, IDN as punycode';
comment on column known_place.place is 'SHA-256 of the user and the network';
comment on column known_place.at is 'The last login from there';
comment on column registration.network is 'IPv4 address or IPv6 /64 it came from'
"""


def upgrade() -> None:
    """Make the tables, and all keys anew. Raises `CannotMigrate` when two accounts get one key."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    # While they change, one may have the key that another is about to lose.
    op.execute("alter table user_account drop constraint user_account_email_key_key")
    _make_keys(op.get_bind())
    _refuse_collisions(op.get_bind())
    op.execute("alter table user_account add unique (email_key)")


def downgrade() -> None:
    """Drop the tables. The keys stay: nobody could tell which were made before."""
    op.execute("drop index failed_login_account")
    op.execute("drop table registration")
    op.execute("drop table known_place")


def _make_keys(connection: sa.Connection) -> None:
    page = sa.text(
        "select id, email, email_key from user_account where id > :last order by id limit :most"
    )
    change = sa.text("update user_account set email_key = :key where id = :id")
    last = "00000000-0000-0000-0000-000000000000"
    while rows := connection.execute(page, {"last": last, "most": AT_ONCE}).all():
        keys = [(row, _key(row.email)) for row in rows]
        changed = [{"id": row.id, "key": key} for row, key in keys if key != row.email_key]
        if changed:
            connection.execute(change, changed)
        last = rows[-1].id


def _refuse_collisions(connection: sa.Connection) -> None:
    found = connection.execute(
        sa.text(
            "select string_agg(id::text, ' and ' order by id) as ids from user_account "
            "group by email_key having count(*) > 1 order by 1 limit 10"
        )
    )
    if pairs := [row.ids for row in found]:
        raise CannotMigrate(
            "Accounts with one and the same e-mail address, in auth's table user_account: "
            f"{'; '.join(pairs)}. Give all but one of each another address (columns email and "
            "email_key), or delete them, and run migrate again. Nothing was changed."
        )


def _key(email: str) -> str:
    """As `hirewire.auth.credentials.email_key` was when this was written."""
    try:
        found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return _lower(email.strip())
    return f"{_lower(found.local_part)}@{(found.ascii_domain or found.domain).lower()}"


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
