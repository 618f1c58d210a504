"""Who people are at OpenID Connect providers; accounts without a password."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table, and let an account have no password."""
    op.execute("alter table user_account alter column password_hash drop not null")
    op.execute(
        "comment on column user_account.password_hash is 'argon2id, in PHC form; null: no password'"
    )
    op.execute(
        """
        create table identity (
            id uuid primary key,
            user_id uuid not null references user_account (id) on delete cascade,
            provider text not null,
            issuer text not null,
            subject text not null,
            email text,
            connected_at timestamptz not null,
            constraint identity_issuer_subject unique (issuer, subject),
            constraint identity_user_issuer unique (user_id, issuer)
        )
        """
    )
    op.execute("comment on column identity.provider is 'As HIREWIRE_SIGN_IN_PROVIDERS names it'")
    op.execute("comment on column identity.subject is 'Who it is there'")
    op.execute("comment on column identity.email is 'The address there, to recognise it by'")


def downgrade() -> None:
    """Drop the table. Who has no password gets one that nothing matches: a link sets a new one."""
    op.execute("drop table identity")
    op.execute("update user_account set password_hash = '' where password_hash is null")
    op.execute("comment on column user_account.password_hash is 'argon2id, in PHC form'")
    op.execute("alter table user_account alter column password_hash set not null")
