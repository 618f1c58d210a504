"""Companies that are verified, and the codes that verify them by mail."""

from alembic import op

revision = "0017"
down_revision = "0016"

COMPANY = """
alter table company
    add verified_at timestamptz,
    add verified_by text constraint company_verified_by check (verified_by in ('mail', 'operator')),
    add verified_domain text,
    add mark_lost text constraint company_mark_lost check (mark_lost in ('changed', 'revoked')),
    add constraint company_verified check ((verified_at is null) = (verified_by is null))
"""
CODE = """
create table company_code (
    company_id uuid primary key references company (id),
    domain text not null,
    code_mark bytea not null,
    attempts integer not null,
    sent_at timestamptz not null
)
"""
SENT = """
create table company_mail (
    company_id uuid not null references company (id),
    address bytea not null,
    sent_at timestamptz not null
)
"""


def upgrade() -> None:
    """Add the columns and create the tables."""
    for statement in (COMPANY, CODE, SENT):
        op.execute(statement)
    op.execute("create index company_mail_company on company_mail (company_id, sent_at)")
    op.execute("create index company_mail_address on company_mail (address, sent_at)")
    op.execute("create index company_newest on company (created_at, id)")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index company_newest")
    op.execute("drop table company_mail")
    op.execute("drop table company_code")
    op.execute("alter table company drop constraint company_verified")
    for column in ("verified_at", "verified_by", "verified_domain", "mark_lost"):
        op.execute(f"alter table company drop column {column}")
