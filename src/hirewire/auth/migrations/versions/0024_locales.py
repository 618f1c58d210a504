"""The language that a user has chosen, and the time zone."""

from alembic import op

revision = "0024"
down_revision = "0023"

COLUMNS = {
    "is_language_chosen": "boolean not null default false",
    "time_zone": "text",
}
COMMENTS = {
    "is_language_chosen": "By the user; otherwise the last sign-in''s",
    "time_zone": "Of the IANA database; null: the board''s",
}


def upgrade() -> None:
    """Add the columns."""
    for column, definition in COLUMNS.items():
        op.execute(f"alter table user_account add column {column} {definition}")
        op.execute(f"comment on column user_account.{column} is '{COMMENTS[column]}'")


def downgrade() -> None:
    """Drop them."""
    for column in COLUMNS:
        op.execute(f"alter table user_account drop column {column}")
