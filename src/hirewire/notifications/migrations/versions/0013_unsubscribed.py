"""How often mails came before somebody unsubscribed."""

from alembic import op

revision = "0013"
down_revision = "0012"

# As an undo did before: who unsubscribed by a link, or on the page, is not known apart.
KNOWN = """
update preference set mail_before = case
    when kind in ('recommended_vacancy', 'recommended_candidate', 'saved_search') then 'daily'
    else 'at_once' end
where mail = 'off'
"""


def upgrade() -> None:
    """Add the column."""
    op.execute("alter table preference add column mail_before text")
    op.execute(
        "comment on column preference.mail_before is "
        "'What an undo of unsubscribing restores; null: it was not done by a link'"
    )
    op.execute(KNOWN)


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table preference drop column mail_before")
