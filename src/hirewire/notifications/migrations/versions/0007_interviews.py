"""Interviews, and the notices about them."""

from alembic import op

revision = "0007"
down_revision = "0006"

INTERVIEW = """
create table interview (
    id uuid primary key,
    application_id uuid not null,
    user_id uuid,
    employer_id uuid,
    version integer not null,
    state text not null,
    starts_at timestamptz,
    time_zone text,
    minutes integer,
    place text,
    at timestamptz not null
)
"""
NOTICE = """
alter table notice
    add interview_id uuid,
    add starts_at timestamptz,
    add time_zone text,
    add minutes integer
"""
INDEXES = (
    "interview_application on interview (application_id)",
    "interview_user on interview (user_id)",
    "interview_employer on interview (employer_id)",
    "notice_interview on notice (interview_id) where interview_id is not null",
)
COMMENTS = {
    "interview.user_id": "The applicant; null: erased",
    "interview.employer_id": "Who proposed it for the company; null: erased",
    "interview.starts_at": "The agreed time, or the one called off",
    "interview.at": "Of the last event",
    "notice.starts_at": "Of the interview, as it was then",
    "notice.time_zone": "The same",
    "notice.minutes": "The same",
}


def upgrade() -> None:
    """Create the table, and add what notices say of an interview."""
    op.execute(INTERVIEW)
    op.execute(NOTICE)
    for index in INDEXES:
        op.execute(f"create index {index}")
    for column, comment in COMMENTS.items():
        op.execute(f"comment on column {column} is '{comment}'")


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index notice_interview")
    for column in ("interview_id", "starts_at", "time_zone", "minutes"):
        op.execute(f"alter table notice drop column {column}")
    op.execute("drop table interview")
