"""A company reads a resume as it is while an application is open, and keeps it as it was then.

Of which applications a resume was opened by before is not known here: what was open becomes what it
is now and stays so. `vacancies` then tells again of the applications that its log still has, and
those that are open open it again.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLE = """
create table opened_application (
    application_id uuid primary key,
    resume_id uuid not null references resume (id) on delete cascade,
    company_id uuid not null,
    opened_at timestamptz,
    ended_at timestamptz,
    withdrawn boolean not null default false,
    kept jsonb
)
"""
KEEP = """
insert into opened_application (application_id, resume_id, company_id, opened_at, ended_at, kept)
select gen_random_uuid(), r.id, o.company_id, o.opened_at, now(), jsonb_build_object(
    'id', r.id, 'version', r.version, 'title', r.title, 'summary', r.summary, 'area', r.area,
    'relocation', r.relocation, 'employment_types', r.employment_types,
    'work_formats', r.work_formats, 'salary', r.salary, 'skills', r.skills,
    'languages', r.languages, 'certificates', r.certificates, 'links', r.links,
    'projects', r.projects, 'updated_at', r.updated_at, 'full_name', p.full_name,
    'headline', p.headline, 'contacts', coalesce(p.contacts, '[]'), 'locale', p.locale,
    'profile_links', coalesce(p.links, '[]'),
    'imported', jsonb_strip_nulls(jsonb_build_object(
        'volunteer', r.imported -> 'volunteer', 'publications', r.imported -> 'publications',
        'awards', r.imported -> 'awards', 'interests', r.imported -> 'interests',
        'references', r.imported -> 'references')),
    'experience', coalesce((
        select jsonb_agg(to_jsonb(e) - 'imported' order by e.place, e.id)
        from experience e where e.resume_id = r.id), '[]'),
    'education', coalesce((
        select jsonb_agg(to_jsonb(e) - 'imported' order by e.place, e.id)
        from education e where e.resume_id = r.id), '[]'))
from opened_resume o join resume r on r.id = o.resume_id
left join profile p on p.user_id = r.user_id
"""
# Any text was taken as a certificate's address before. A host without a scheme gets one.
CERTIFICATES = """
update resume set certificates = (
    select jsonb_agg(
        case when c ->> 'url' is null or c ->> 'url' ~* '^https?://' then c
            when c ->> 'url' ~* '^[a-z0-9-]+([.][a-z0-9-]+)+(/[^[:space:]]*)?$'
                then c || jsonb_build_object('url', 'https://' || (c ->> 'url'))
            else c || jsonb_build_object('url', null) end
        order by n)
    from jsonb_array_elements(certificates) with ordinality as t(c, n))
where exists (
    select from jsonb_array_elements(certificates) c where c ->> 'url' !~* '^https?://')
"""


def upgrade() -> None:
    """Create the table, keep what was open, and drop addresses that are none of the web."""
    op.execute(CERTIFICATES)
    op.execute(TABLE)
    op.execute("create index opened_application_pair on opened_application (resume_id, company_id)")
    op.execute(KEEP)


def downgrade() -> None:
    """Drop the table."""
    op.execute("drop table opened_application")
