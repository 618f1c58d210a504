"""Drafts are for nobody to see; an application keeps the resume that it was made with."""

from alembic import op

revision = "0007"
down_revision = "0006"

# Nothing that was done with a draft was for employers: its lines stay unseen once it is published.
_UNSEEN_LINES = """
update activity a set shown = false from resume r
where r.resume_id = a.resume_id and r.state = 'visible'
    and r.snapshot is not null and coalesce(r.snapshot ->> 'status', '') <> 'published'
"""
_UNSEEN = """
update resume set state = 'unseen'
where state = 'visible' and snapshot is not null
    and coalesce(snapshot ->> 'status', '') <> 'published'
"""
# Of applications that were made before, the resume as it is now: from here on it stays.
_KEEP = """
update application a
set kept_resume = jsonb_build_object(
    'title', r.snapshot -> 'title', 'area', r.snapshot -> 'area',
    'skills', coalesce((
        select jsonb_agg(s -> 'name')
        from jsonb_array_elements(coalesce(r.snapshot -> 'skills', '[]')) s
    ), '[]'))
from resume r
where r.resume_id = a.resume_id and a.accepted_at is not null and r.snapshot ? 'status'
"""


def upgrade() -> None:
    """Hide what was a draft's; add the column, fill it, and add indexes."""
    op.execute(_UNSEEN_LINES)
    op.execute(_UNSEEN)
    op.execute("alter table application add kept_resume jsonb")
    op.execute(_KEEP)
    op.execute(
        "create index application_kept on application (resume_id) where kept_resume is not null"
    )
    op.execute(
        "create index application_invited on application (company_id, created_at) "
        "where origin = 'invitation'"
    )


def downgrade() -> None:
    """Drop what was added."""
    op.execute("drop index application_invited")
    op.execute("alter table application drop column kept_resume")
