"""A person's account address, for companies that may see contacts when none was typed; what of its
owner a shared link shows.

The address of an account is known from its registration. Of profiles that have a name by now it
comes with the next replay of `user.registered`, if there is one. Links show neither name nor
contacts until their owners say so.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; until people give a name, it is their address."""
    op.execute("alter table profile add column account_email text")
    op.execute("update profile set account_email = full_name where position('@' in full_name) > 0")
    op.execute("alter table resume add column link_shows text[] not null default '{}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table resume drop column link_shows")
    op.execute("alter table profile drop column account_email")
