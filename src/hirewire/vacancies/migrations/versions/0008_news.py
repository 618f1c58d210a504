"""What happened in an application for each side, and how much of it that side has seen."""

from alembic import op

revision = "0008"
down_revision = "0007"

SIDES = {"applicant": "(user_id)", "employer": "(company_id, vacancy_id)"}
# Of what is there already, only what nobody has opened is new: open applications that the employer
# has not looked at, and invitations without an answer.
_UNOPENED = """
update application set
    employer_news = case when origin = 'response' and viewed_at is null then 1 else 0 end,
    applicant_news = case when origin = 'invitation' and accepted_at is null then 1 else 0 end
where stage in ('response', 'consider', 'phone_interview', 'assessment', 'interview', 'offer')
"""


def upgrade() -> None:
    """Add the counters, fill them, and index what has something new."""
    for side, columns in SIDES.items():
        op.execute(
            f"alter table application add {side}_news integer not null default 0, "
            f"add {side}_seen integer not null default 0"
        )
        op.execute(
            f"create index application_{side}_news on application {columns} "
            f"where {side}_news > {side}_seen"
        )
    op.execute(_UNOPENED)


def downgrade() -> None:
    """Drop what was added."""
    for side in SIDES:
        op.execute(f"drop index application_{side}_news")
        op.execute(f"alter table application drop column {side}_news, drop column {side}_seen")
