"""People, what they work with, and the notices to them."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = {
    "beginning": "at timestamptz not null",
    "person": """
        user_id uuid primary key,
        email text,
        email_at timestamptz,
        is_blocked boolean not null default false,
        blocked_at timestamptz
    """,
    "employer": """
        user_id uuid primary key references person on delete cascade,
        company_id uuid not null
    """,
    "company": "id uuid primary key, name text",
    "vacancy": """
        id uuid primary key,
        company_id uuid not null,
        version integer not null,
        status text not null,
        title text,
        title_version integer
    """,
    "resume": """
        id uuid primary key,
        user_id uuid not null,
        version integer,
        title text,
        is_visible boolean not null,
        is_deleted boolean not null default false
    """,
    "application": """
        id uuid primary key,
        resume_id uuid,
        user_id uuid,
        is_accepted boolean not null default false,
        stage text,
        applicant_state text
    """,
    "notice": """
        id uuid primary key,
        user_id uuid not null references person on delete cascade,
        kind text not null,
        side text not null,
        event_id uuid not null,
        at timestamptz not null,
        count integer not null default 1,
        about_id uuid,
        application_id uuid,
        vacancy_id uuid,
        company_id uuid,
        resume_id uuid,
        resume_title text,
        detail text,
        read_at timestamptz,
        withdrawn_at timestamptz,
        constraint notice_event unique (event_id, user_id, kind)
    """,
    "notice_match": """
        notice_id uuid references notice on delete cascade,
        vacancy_id uuid,
        resume_id uuid,
        position bigint not null,
        primary key (notice_id, vacancy_id, resume_id)
    """,
    "withdrawn_match": """
        resume_id uuid,
        vacancy_id uuid,
        position bigint not null,
        at timestamptz not null,
        primary key (resume_id, vacancy_id)
    """,
}
INDEXES = (
    "unique index beginning_one on beginning ((true))",
    "index employer_company on employer (company_id)",
    "index resume_user on resume (user_id)",
    "index application_user on application (user_id)",
    "index notice_user on notice (user_id, id)",
    "index notice_at on notice (at)",
    "index notice_application on notice (application_id)",
    "index notice_resume on notice (resume_id)",
    "unique index notice_open_group on notice (user_id, kind, about_id)"
    " where about_id is not null and read_at is null and withdrawn_at is null",
    "index notice_match_pair on notice_match (resume_id, vacancy_id)",
    "index withdrawn_match_at on withdrawn_match (at)",
)
COMMENTS = {
    "table beginning": "One row: events that were recorded before make no notices",
    "column person.email": "Null until the registration arrives",
    "column person.email_at": "When it changed to this address; null: the one of the registration",
    "column person.blocked_at": "Of the last such event",
    "column resume.is_visible": "To companies without an application",
    "column application.user_id": "Null: anonymised",
    "column notice.event_id": "Of several matches, the first",
    "column notice.about_id": "What matches are grouped by",
    "column notice.resume_title": "Of then, if the person could read the resume",
    "column notice.withdrawn_at": "No match is left",
    "column notice_match.position": "Of the event in those of the resume",
}


def upgrade() -> None:
    """Create the tables. Nobody is notified of what was recorded before this moment."""
    for table, columns in TABLES.items():
        op.execute(f"create table {table} ({columns})")
    for index in INDEXES:
        op.execute(f"create {index}")
    for what, comment in COMMENTS.items():
        op.execute(f"comment on {what} is '{comment}'")
    op.execute("insert into beginning values (clock_timestamp())")


def downgrade() -> None:
    """Drop the tables."""
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
