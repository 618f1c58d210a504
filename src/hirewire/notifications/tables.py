"""The tables of `notifications`."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
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
    func,
    text,
)

metadata = MetaData()

beginning = Table(
    "beginning",
    metadata,
    Column("at", DateTime(timezone=True), nullable=False),
    Column("stated", ARRAY(Text), nullable=False, server_default="{}", comment="Owners that have"),
    Column("complete_at", DateTime(timezone=True), comment="When all owners had stated all"),
    comment="One row: events that were recorded before make no notices",
)

person = Table(
    "person",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, comment="Null until the registration arrives"),
    Column(
        "email_at",
        DateTime(timezone=True),
        comment="When it changed to this address; null: the one of the registration",
    ),
    Column("is_blocked", Boolean, nullable=False, server_default=text("false")),
    Column("blocked_at", DateTime(timezone=True), comment="Of the last such event"),
    Column(
        "mail_stopped_at",
        DateTime(timezone=True),
        comment="Since when mails cannot be delivered to the address",
    ),
    Column("mail_stopped_for", Text, comment="bounced or complained"),
    Column(
        "mail_tried_at",
        DateTime(timezone=True),
        comment="When the person last had a stopped address tried again",
    ),
    Column("language", Text, comment="Of mails; null: not known"),
    Column("time_zone", Text, comment="Of the IANA database; null: the board's"),
    Column("locale_at", DateTime(timezone=True), comment="When these two changed last"),
    Column(
        "is_verified",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether the address is known to be the person's",
    ),
    Column(
        "quiet_from",
        Integer,
        comment="Minute of the day in the person's zone; null: no quiet hours",
    ),
    Column("quiet_until", Integer),
    CheckConstraint(
        "(quiet_from is null) = (quiet_until is null) "
        "and quiet_from between 0 and 1439 and quiet_until between 0 and 1439",
        name="person_quiet",
    ),
)
Index("person_email", func.lower(person.c.email))

# Mails that came back, and complaints, of the last 30 days.
bounce = Table(
    "bounce",
    metadata,
    Column(
        "source", Text, primary_key=True, comment="By what a report is recognised that comes twice"
    ),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("bounce_user", "user_id"),
    Index("bounce_at", "at"),
)

preference = Table(
    "preference",
    metadata,
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("mail", Text, nullable=False),
    Column("push", Boolean, nullable=False),
    CheckConstraint(
        "mail in ('off', 'at_once', 'hourly', 'daily', 'weekly')", name="preference_mail"
    ),
    comment="Only what differs from the defaults (kinds.py)",
)

# Which user acts for which company, according to consumed events.
employer = Table(
    "employer",
    metadata,
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Index("employer_company", "company_id"),
)

company = Table(
    "company",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text),
)

vacancy = Table(
    "vacancy",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("title", Text),
    Column("title_version", Integer),
)

resume = Table(
    "resume",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("version", Integer),
    Column("title", Text),
    Column("is_visible", Boolean, nullable=False, comment="To companies without an application"),
    Column("is_deleted", Boolean, nullable=False, server_default=text("false")),
    Index("resume_user", "user_id"),
)

application = Table(
    "application",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("resume_id", Uuid),
    Column("user_id", Uuid, comment="Null: anonymised"),
    Column("is_accepted", Boolean, nullable=False, server_default=text("false")),
    Column("stage", Text),
    Column("applicant_state", Text),
    Index("application_user", "user_id"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("event_id", Uuid, nullable=False, comment="Of several events, the first"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("count", Integer, nullable=False, server_default=text("1")),
    Column("about_id", Uuid, comment="What matches and messages are grouped by"),
    Column("application_id", Uuid),
    Column("vacancy_id", Uuid),
    Column("company_id", Uuid),
    Column("resume_id", Uuid),
    Column("resume_title", Text, comment="Of then, if the person could read the resume"),
    Column("detail", Text),
    Column("read_at", DateTime(timezone=True)),
    Column("withdrawn_at", DateTime(timezone=True), comment="No match is left"),
    UniqueConstraint("event_id", "user_id", "kind", name="notice_event"),
    Index("notice_user", "user_id", "id"),
    Index(
        "notice_unread",
        "user_id",
        "id",
        postgresql_where=text("read_at is null and withdrawn_at is null"),
    ),
    Index("notice_at", "at"),
    Index("notice_application", "application_id"),
    Index("notice_resume", "resume_id"),
    Index(
        "notice_open_group",
        "user_id",
        "kind",
        "about_id",
        unique=True,
        postgresql_where=text("about_id is not null and read_at is null and withdrawn_at is null"),
    ),
)

# The matches that a notice counts.
notice_match = Table(
    "notice_match",
    metadata,
    Column("notice_id", Uuid, ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True),
    Column("vacancy_id", Uuid, primary_key=True),
    Column("resume_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False, comment="Of the event in those of the resume"),
    Index("notice_match_pair", "resume_id", "vacancy_id"),
)

# Which messages are counted in a notice of a person.
counted_message = Table(
    "counted_message",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("counted_message_user", "user_id"),
    Index("counted_message_at", "at"),
)

# An older event that a match was created may arrive after its withdrawal.
withdrawn_match = Table(
    "withdrawn_match",
    metadata,
    Column("resume_id", Uuid, primary_key=True),
    Column("vacancy_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("withdrawn_match_at", "at"),
)
