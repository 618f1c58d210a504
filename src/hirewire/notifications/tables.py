"""The tables of `notifications`."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

beginning = Table(
    "beginning",
    metadata,
    Column("at", DateTime(timezone=True), nullable=False),
    Column("stated", ARRAY(Text), nullable=False, server_default="{}", comment="Owners that have"),
    Column("complete_at", DateTime(timezone=True), comment="When all owners had stated all"),
    Column(
        "restored_at",
        DateTime(timezone=True),
        comment="About repaired events that were recorded before, nothing is sent",
    ),
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
    Column("mailed_at", DateTime(timezone=True), comment="When the last mail was queued"),
    Column(
        "unsubscribe_key",
        Uuid,
        nullable=False,
        server_default=text("gen_random_uuid()"),
        comment="Signs links that switch mails off",
    ),
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
    Column(
        "mail_before",
        Text,
        comment="What an undo of unsubscribing restores; null: it was not done by a link",
    ),
    CheckConstraint(
        "mail in ('off', 'at_once', 'hourly', 'daily', 'weekly')", name="preference_mail"
    ),
    comment="Only what differs from the defaults (kinds.py)",
)

# When to look at what waits to be mailed to a person. Rows are only added and deleted.
mail_plan = Table(
    "mail_plan",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Index("mail_plan_due", "due_at"),
    Index("mail_plan_user", "user_id"),
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

# Interviews as they stand now, for what is written about them.
interview = Table(
    "interview",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("application_id", Uuid, nullable=False),
    Column("user_id", Uuid, comment="The applicant; null: erased"),
    Column("employer_id", Uuid, comment="Who proposed it for the company; null: erased"),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("starts_at", DateTime(timezone=True), comment="The agreed time, or the one called off"),
    Column("time_zone", Text),
    Column("minutes", Integer),
    Column("place", Text),
    Column("at", DateTime(timezone=True), nullable=False, comment="Of the last event"),
    Index("interview_application", "application_id"),
    Index("interview_user", "user_id"),
    Index("interview_employer", "employer_id"),
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
    Column("interview_id", Uuid),
    Column("starts_at", DateTime(timezone=True), comment="Of the interview, as it was then"),
    Column("time_zone", Text, comment="The same"),
    Column("minutes", Integer, comment="The same"),
    Column("read_at", DateTime(timezone=True)),
    Column("withdrawn_at", DateTime(timezone=True), comment="No match is left"),
    Column("mail_since", DateTime(timezone=True), comment="Since when it waits to be mailed"),
    Column("mailed_at", DateTime(timezone=True), comment="When a mail about it was queued last"),
    Column("mail_id", Uuid, comment="The last mail that it is in"),
    Column(
        "mails", Integer, nullable=False, server_default=text("0"), comment="How many it was in"
    ),
    Column(
        "mailed_count",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="The count with the last mail",
    ),
    Column(
        "mailed_before",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="The count with the mail before",
    ),
    Column("pushed_at", DateTime(timezone=True), comment="Last accepted by a push service"),
    UniqueConstraint(
        *("event_id", "user_id", "kind", "about_id"),
        name="notice_event",
        postgresql_nulls_not_distinct=True,
    ),
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
    Index("notice_interview", "interview_id", postgresql_where=text("interview_id is not null")),
    Index(
        "notice_to_mail",
        "user_id",
        "kind",
        "mail_since",
        postgresql_where=text("mail_since is not null"),
    ),
    Index("notice_mail", "mail_id", postgresql_where=text("mail_id is not null")),
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
    Column(
        "mails",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How many mails the notice was in before",
    ),
    Index("notice_match_pair", "resume_id", "vacancy_id"),
)

# The vacancies that saved searches have found. One without a notice was taken back; it stays, so
# that an older event changes nothing.
found_vacancy = Table(
    "found_vacancy",
    metadata,
    Column("search_id", Uuid, primary_key=True),
    Column("vacancy_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column(
        "notice_id", Uuid, ForeignKey("notice.id", ondelete="SET NULL"), comment="Null: taken back"
    ),
    Column(
        "position", BigInteger, nullable=False, comment="Of the last event in those of the person"
    ),
    Column(
        "mails",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How many mails the notice was in before; -1: it is not mailed again",
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    Column(
        "notified_at",
        DateTime(timezone=True),
        comment="Of one that was taken back: when the person was last mailed or pushed about it",
    ),
    Column("notified_title", Text, comment="Its title then"),
    Index("found_vacancy_user", "user_id"),
    Index("found_vacancy_notice", "notice_id"),
    Index("found_vacancy_at", "at"),
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

# A receiver of events over HTTP: of a company, or of the board (no company).
webhook = Table(
    "webhook",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, comment="Null: of the board's operators"),
    Column("url", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("is_on", Boolean, nullable=False, server_default=text("true")),
    Column("off_at", DateTime(timezone=True)),
    Column("off_reason", Text, comment="by_hand, failing or gone"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="In a row"),
    Column("failing_since", DateTime(timezone=True)),
    Column("not_before", DateTime(timezone=True), comment="The receiver asked to wait until then"),
    CheckConstraint("is_on = (off_reason is null)", name="webhook_off"),
    Index("webhook_company", "company_id"),
)

webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="Sealed"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), comment="Null: the current one"),
    Index("webhook_secret_webhook", "webhook_id"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False, comment="Deliveries of a key are sent in order"),
    Column("position", BigInteger, nullable=False, comment="Of the event in those of the key"),
    Column("at", DateTime(timezone=True), nullable=False, comment="When the event was recorded"),
    Column("subject_id", Uuid, comment="The person whom the event is about"),
    Column("body", Text, nullable=False),
    Column("is_cut", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state in ('waiting', 'delivered', 'dead')", name="webhook_delivery_state"),
    UniqueConstraint("webhook_id", "event_id", name="webhook_delivery_event"),
    Index("webhook_delivery_page", "webhook_id", "id"),
    Index("webhook_delivery_at", "at"),
    Index("webhook_delivery_subject", "subject_id"),
    Index("webhook_delivery_key", "key"),
    Index(
        "webhook_delivery_waiting",
        "webhook_id",
        "key",
        "position",
        "id",
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("webhook_delivery_dead", "webhook_id", "id", postgresql_where=text("state = 'dead'")),
)

# A webhook's keys with deliveries that wait: only the first of a key is sent.
webhook_lane = Table(
    "webhook_lane",
    metadata,
    Column("webhook_id", Uuid, ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("claim", BigInteger, nullable=False, server_default=text("0")),
    Index("webhook_lane_due", "webhook_id", "next_attempt_at"),
)

webhook_attempt = Table(
    "webhook_attempt",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "delivery_id",
        Uuid,
        ForeignKey("webhook_delivery.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("url", Text, nullable=False),
    Column("status", Integer, comment="Null: there was no answer"),
    Column("error", Text, comment="Why there was none"),
    Column("headers", JSONB),
    Column("answer", Text),
    Column("is_cut", Boolean, nullable=False, server_default=text("false")),
    Index("webhook_attempt_delivery", "delivery_id", "id"),
)

# Who is an operator, according to consumed events. Nobody's row: the token says so.
operator = Table(
    "operator",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("is_operator", Boolean, nullable=False),
)

# The keys by which push services know this board.
push_key = Table(
    "push_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("public", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

# A browser of a person that is notified by Web Push.
push_device = Table(
    "push_device",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("person.user_id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Uuid, nullable=False, comment="It ends with this session"),
    Column("key_id", Uuid, ForeignKey("push_key.id"), nullable=False),
    Column("mark", LargeBinary, nullable=False, unique=True, comment="Digest of the endpoint"),
    Column("sealed", LargeBinary, nullable=False, comment="Endpoint and keys"),
    Column("origin", Text, nullable=False, comment="The push service"),
    Column("name", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("pushed_at", DateTime(timezone=True), comment="Last accepted by the push service"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="In a row"),
    Column("failing_since", DateTime(timezone=True)),
    Column("error", Text, comment="Of the last failure"),
    Column("hold_until", DateTime(timezone=True)),
    Column("leased_until", DateTime(timezone=True), comment="Who has claimed it sends meanwhile"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Index("push_device_user", "user_id"),
    Index("push_device_session", "session_id"),
)

push = Table(
    "push",
    metadata,
    Column("device_id", Uuid, ForeignKey("push_device.id", ondelete="CASCADE"), primary_key=True),
    Column("notice_id", Uuid, ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("changes", Integer, nullable=False, server_default=text("0")),
    Index("push_due", "due_at"),
    Index("push_notice", "notice_id"),
)

# Sessions that have ended while access tokens of theirs may live.
ended_session = Table(
    "ended_session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ended_session_at", "at"),
)
