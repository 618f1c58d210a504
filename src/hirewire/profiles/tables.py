"""The tables of `profiles`."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData()

# `imported` is the original document: json, since jsonb would reorder keys and rewrite numbers.

profile = Table(
    "profile",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("headline", Text),
    Column("area", Text),
    Column("contacts", JSONB, nullable=False),
    Column("links", JSONB, nullable=False),
    Column("account_email", Text),
    Column(
        "account_email_at",
        DateTime(timezone=True),
        comment="When it changed to this address; null: the one of the registration",
    ),
    Column("locale", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

resume = Table(
    "resume",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("title", Text),
    Column("summary", Text),
    Column("area", Text),
    Column("relocation", Boolean, nullable=False),
    Column("employment_types", ARRAY(Text), nullable=False),
    Column("work_formats", ARRAY(Text), nullable=False),
    Column("salary", JSONB(none_as_null=True)),
    Column("skills", JSONB, nullable=False),
    Column("languages", JSONB, nullable=False),
    Column("certificates", JSONB, nullable=False),
    Column("links", JSONB, nullable=False),
    Column("projects", JSONB, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("hidden_from", ARRAY(Text), nullable=False),
    Column("link_key", Text, unique=True),
    Column("link_shows", ARRAY(Text), nullable=False, server_default="{}"),
    Column("imported", JSON(none_as_null=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("status in ('draft', 'published', 'hidden')", name="resume_status"),
    Index("resume_owner", "user_id", "id"),
)

# The resumes that were imported together, by their keys in the system that they come from.
imported_resume = Table(
    "imported_resume",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column(
        "external_id",
        Text,
        primary_key=True,
        comment="Its key in the system that it comes from",
    ),
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), nullable=False),
    UniqueConstraint("resume_id", name="imported_resume_resume"),
)

experience = Table(
    "experience",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("company", Text),
    Column("position", Text),
    Column("start", Text),
    Column("end", Text),
    Column("description", Text),
    Column("highlights", ARRAY(Text), nullable=False),
    Column("skills", ARRAY(Text), nullable=False),
    Column("imported", JSON(none_as_null=True)),
    Index("experience_resume", "resume_id", "place"),
)

education = Table(
    "education",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("organization", Text),
    Column("level", Text),
    Column("field", Text),
    Column("start_year", Integer),
    Column("end_year", Integer),
    Column("imported", JSON(none_as_null=True)),
    Index("education_resume", "resume_id", "place"),
)

# Whether the owner of a resume that nobody touches was asked to keep it.
resume_retention = Table(
    "resume_retention",
    metadata,
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), primary_key=True),
    Column("kept_at", DateTime(timezone=True), comment="When the owner said to keep it"),
    Column("notice_id", Uuid),
    Column("asked_at", DateTime(timezone=True)),
    Column("notified_at", DateTime(timezone=True), comment="When the mail was queued"),
    Index("resume_retention_notice", "notice_id"),
)

# Which user acts for which company, according to consumed events.
employer = Table(
    "employer",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Column("company_name", Text),
    Index("employer_company", "company_id"),
)

opened_resume = Table(
    "opened_resume",
    metadata,
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), primary_key=True),
    Column("company_id", Uuid, primary_key=True),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("first_read_at", DateTime(timezone=True)),
    Column("last_read_at", DateTime(timezone=True)),
    Column("times", Integer, nullable=False, server_default=text("0")),
)

# The applications that opened a resume to a company, according to consumed events. After an
# application has ended, the company still reads the resume as it was when it was opened.
opened_application = Table(
    "opened_application",
    metadata,
    Column("application_id", Uuid, primary_key=True),
    Column("resume_id", Uuid, ForeignKey("resume.id", ondelete="CASCADE"), nullable=False),
    Column("company_id", Uuid, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("withdrawn", Boolean, nullable=False, server_default=text("false")),
    Column("kept", JSONB(none_as_null=True)),
    Index("opened_application_pair", "resume_id", "company_id"),
)
