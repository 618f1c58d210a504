"""Projects and highlights; what was imported before is read again, as documents are read now.

An export compares what is kept with what an import gives. So what nobody has changed since its
import must become what an import of today would give, also where the reader of then took what
cannot be saved: links without a scheme, texts that are too long, years before 1900.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from hirewire.profiles.reading import Part
from hirewire.profiles.resumes import jsonresume

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and fill them."""
    op.execute("alter table resume add column projects jsonb not null default '[]'")
    op.execute("alter table experience add column highlights text[] not null default '{}'")
    connection = op.get_bind()
    for query, update in (
        ("select * from resume where imported is not null", _resume),
        ("select * from experience where imported is not null", _experience),
        ("select * from education where imported is not null", _education),
    ):
        rows = connection.execute(sa.text(query))
        for row in rows.mappings().all():
            update(connection, dict(row))


def downgrade() -> None:
    """Drop them."""
    op.execute("alter table experience drop column highlights")
    op.execute("alter table resume drop column projects")


def _resume(connection: sa.Connection, row: dict[str, Any]) -> None:
    read = jsonresume.resume_fields(row["imported"])
    levels = {one["language"]: one["level"] for one in read["languages"]}
    languages = [
        one | {"level": one["level"] or levels.get(one["language"])} for one in row["languages"]
    ]
    kept: dict[str, Any] = {
        "languages": [{"language": o["language"], "fluency": o["level"]} for o in languages],
        "certificates": row["certificates"],
    }
    links = [{"url": one["url"], "network": one["label"]} for one in row["links"]]
    basics = {"label": row["title"], "summary": row["summary"], "location": {"city": row["area"]}}
    clean = jsonresume.resume_fields(kept | {"basics": basics | {"profiles": links}})
    skills = [one | {"name": name} for one in row["skills"] if (name := Part(one["name"]).line())]
    connection.execute(
        sa.text("""
            update resume
            set title = :title, summary = :summary, area = :area,
                languages = cast(:languages as jsonb),
                certificates = cast(:certificates as jsonb), links = cast(:links as jsonb),
                skills = cast(:skills as jsonb), projects = cast(:projects as jsonb)
            where id = :id
        """),
        {
            "id": row["id"],
            **{name: clean[name] for name in ("title", "summary", "area")},
            **{name: json.dumps(clean[name]) for name in ("languages", "certificates", "links")},
            "skills": json.dumps(skills[: jsonresume.MOST_SKILLS]),
            "projects": json.dumps(read["projects"]),
        },
    )


def _experience(connection: sa.Connection, row: dict[str, Any]) -> None:
    kept = {
        "name": row["company"],
        "position": row["position"],
        "startDate": row["start"],
        "endDate": row["end"],
        "summary": row["description"],
    }
    read = jsonresume.experience_fields(Part(row["imported"]))
    connection.execute(
        sa.text("""
            update experience
            set company = :company, position = :position, start = :start, "end" = :end,
                description = :description, highlights = :highlights
            where id = :id
        """),
        jsonresume.experience_fields(Part(kept))
        | {"id": row["id"], "highlights": read["highlights"]},
    )


def _education(connection: sa.Connection, row: dict[str, Any]) -> None:
    kept = {
        "institution": row["organization"],
        "studyType": row["level"],
        "area": row["field"],
        "startDate": row["start_year"] and f"{row['start_year']:04d}",
        "endDate": row["end_year"] and f"{row['end_year']:04d}",
    }
    connection.execute(
        sa.text("""
            update education
            set organization = :organization, level = :level, field = :field,
                start_year = :start_year, end_year = :end_year
            where id = :id
        """),
        jsonresume.education_fields(Part(kept)) | {"id": row["id"]},
    )
