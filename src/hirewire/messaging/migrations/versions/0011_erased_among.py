"""The locks of people and the look at the list of the erased, in one statement."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the function."""
    # Not one query: it would see the list as it was before it waited. Each statement of a volatile
    # function sees what is committed when that statement begins.
    op.execute(
        """
        create function messaging.erased_among(space integer, numbers integer[],
            exclusive boolean[], subjects text[]) returns text[] language plpgsql volatile as $$
        begin
            perform case when l.alone then pg_advisory_xact_lock(space, l.number)
                else pg_advisory_xact_lock_shared(space, l.number) end
            from unnest(numbers, exclusive) as l(number, alone);
            return array(select e.subject from messaging.erased e where e.subject = any(subjects));
        end
        $$
        """
    )
    op.execute(
        "comment on function messaging.erased_among is "
        "'Takes locks of people until the commit, and then looks who of these is erased'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("drop function messaging.erased_among")
