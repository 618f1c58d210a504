"""The keys of resumes that were imported together."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        create table imported_resume (
            user_id uuid,
            external_id text,
            resume_id uuid not null references resume (id) on delete cascade,
            primary key (user_id, external_id),
            constraint imported_resume_resume unique (resume_id)
        )
        """
    )
    op.execute(
        "comment on column imported_resume.external_id is"
        " 'Its key in the system that it comes from'"
    )


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table imported_resume")
