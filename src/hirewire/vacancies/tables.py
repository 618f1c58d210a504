"""The tables of `vacancies`."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

NOBODY = UUID(int=0)
"""Stands for a person who was erased."""

metadata = MetaData()


class Xid8(UserDefinedType[int]):
    """The type of a transaction id that is never reused."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in SQL."""
        return "xid8"


def _changed() -> Column[int]:
    """The last transaction that changed the row, maintained by a trigger (see search/)."""
    return Column("changed", Xid8, nullable=False, server_default=text("pg_current_xact_id()"))


# The people who act for the board: a copy of what `auth` says.
operator = Table(
    "operator",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
)

# The people who were blocked, or unblocked since.
blocked_user = Table(
    "blocked_user",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("blocked", Boolean, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

company = Table(
    "company",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("description", Text),
    Column("site", Text),
    # The key of the logo's content, if there is a logo.
    Column("logo_key", Text),
    # Why the company and its vacancies are not shown: see holds.py.
    Column("taken_down", Boolean, nullable=False, server_default=text("false")),
    Column("owner_blocked", Boolean, nullable=False, server_default=text("false")),
    Column(
        "held", Boolean, Computed("taken_down or owner_blocked", persisted=True), nullable=False
    ),
    # Since when and how the company is verified; and why it is no more, if it was.
    Column("verified_at", DateTime(timezone=True)),
    Column("verified_by", Text),
    Column("verified_domain", Text),
    Column("mark_lost", Text),
    CheckConstraint("verified_by in ('mail', 'operator')", name="company_verified_by"),
    CheckConstraint("mark_lost in ('changed', 'revoked')", name="company_mark_lost"),
    CheckConstraint("(verified_at is null) = (verified_by is null)", name="company_verified"),
    Index("company_newest", "created_at", "id"),
)

# The code that was last mailed to verify a company.
company_code = Table(
    "company_code",
    metadata,
    Column("company_id", Uuid, ForeignKey("company.id"), primary_key=True),
    Column("domain", Text, nullable=False),
    # A keyed digest of the code, the company and the domain.
    Column("code_mark", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
)

# The mails with codes of the last day, for the limits; addresses are keyed digests.
company_mail = Table(
    "company_mail",
    metadata,
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Index("company_mail_company", "company_id", "sent_at"),
    Index("company_mail_address", "address", "sent_at"),
)

company_logo = Table(
    "company_logo",
    metadata,
    Column("company_id", Uuid, ForeignKey("company.id"), primary_key=True),
    Column("image", LargeBinary, nullable=False),
)

employer_profile = Table(
    "employer_profile",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("phone", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("employer_profile_company", "company_id"),
)

vacancy = Table(
    "vacancy",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("close_reason", Text),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("requirements", JSONB, nullable=False),
    Column("experience", Text),
    Column("employment_type", Text),
    Column("work_format", Text),
    Column("area", Text),
    Column("address", Text),
    Column("salary", JSONB(none_as_null=True)),
    Column("languages", JSONB, nullable=False),
    Column("valid_through", Date),
    Column("response_letter_required", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    # The name of the API key that created it.
    Column("api_key", Text),
    # The time of the last reopening: an earlier closing does not close applications made after it.
    Column("reopened_at", DateTime(timezone=True)),
    # Why it is not shown, whatever its status: see holds.py.
    Column("taken_down", Boolean, nullable=False, server_default=text("false")),
    Column("company_held", Boolean, nullable=False, server_default=text("false")),
    Column("held", Boolean, Computed("taken_down or company_held", persisted=True), nullable=False),
    _changed(),
    CheckConstraint(
        "status in ('draft', 'published', 'paused', 'closed', 'archived')", name="vacancy_status"
    ),
    Index("vacancy_company", "company_id", "id"),
    Index("vacancy_published", "published_at", "id"),
    Index("vacancy_changed", "changed"),
    Index("vacancy_taken_down", "company_id", postgresql_where=text("taken_down")),
)

# The vacancies that were imported, by their keys in the other system of their company.
imported_vacancy = Table(
    "imported_vacancy",
    metadata,
    Column("company_id", Uuid, ForeignKey("company.id"), primary_key=True),
    Column(
        "external_id",
        Text,
        primary_key=True,
        comment="Its key in the other system of the company",
    ),
    Column("vacancy_id", Uuid, ForeignKey("vacancy.id", ondelete="CASCADE"), nullable=False),
    UniqueConstraint("vacancy_id", name="imported_vacancy_vacancy"),
)

# The imports of the last hour, for the limit.
vacancy_import = Table(
    "vacancy_import",
    metadata,
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("rows", Integer, nullable=False),
    Index("vacancy_import_company", "company_id", "at"),
)

# The anonymous projection of candidates' resumes; versions are null for external publishers.
resume = Table(
    "resume",
    metadata,
    Column("resume_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("version", Integer),
    Column("state", Text, nullable=False),
    Column("snapshot", JSONB(none_as_null=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    _changed(),
    CheckConstraint("state in ('visible', 'unseen', 'deleted')", name="resume_state"),
    Index("resume_user", "user_id"),
    Index("resume_changed", "changed"),
)

# Vacancies and companies that were reported or decided about, one row each, whose lock orders what
# happens to them. `reports` are those since the last decision.
reported = Table(
    "reported",
    metadata,
    Column("target_id", Uuid, primary_key=True),
    Column("target", Text, nullable=False),
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("reports", Integer, nullable=False),
    # Whether the owner has answered the last decision.
    Column("is_answered", Boolean, nullable=False),
    # The time of the latest report, decision or answer.
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("target in ('vacancy', 'company')", name="reported_target"),
    Index(
        "reported_newest",
        "at",
        "target_id",
        postgresql_where=text("reports > 0 or is_answered"),
    ),
    Index(
        "reported_most",
        "reports",
        "at",
        "target_id",
        postgresql_where=text("reports > 0 or is_answered"),
    ),
)

decision = Table(
    "decision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("target_id", Uuid, ForeignKey("reported.target_id"), nullable=False),
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("operator_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text),
    # The owner reads it, except that of a dismissal.
    Column("text", Text, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("answer", Text),
    Column("answered_at", DateTime(timezone=True)),
    CheckConstraint(
        "kind in ('dismissed', 'taken_down', 'upheld', 'restored')", name="decision_kind"
    ),
    Index("decision_target", "target_id", "id"),
)

report = Table(
    "report",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("target_id", Uuid, ForeignKey("reported.target_id"), nullable=False),
    # Null for a reader who was not signed in.
    Column("user_id", Uuid),
    # A keyed digest of the reader's network.
    Column("network", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    # The decision that answers it; null while it waits.
    Column("decision_id", Uuid, ForeignKey("decision.id")),
    Index(
        "report_person",
        "target_id",
        "user_id",
        unique=True,
        postgresql_where=text("decision_id is null"),
    ),
    Index(
        "report_network",
        "target_id",
        "network",
        unique=True,
        postgresql_where=text("user_id is null and decision_id is null"),
    ),
    Index("report_by_network", "network", "reported_at"),
    Index("report_by_person", "user_id", "reported_at"),
)

activity = Table(
    "activity",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("resume_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("item_id", Uuid),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("heard_at", DateTime(timezone=True), nullable=False),
    Column("shown", Boolean, nullable=False),
    Index("activity_resume", "resume_id"),
    Index("activity_order", "occurred_at", "position"),
    # Facts that can occur only once are stored once, even if the event is repeated without an id.
    Index(
        "activity_fact",
        "resume_id",
        "action",
        "version",
        "item_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text(
            "version is not null or action in ('created', 'deleted', 'experience_added', "
            "'experience_removed', 'education_added', 'education_removed')"
        ),
    ),
)

# A counter of changes to the data for matching. Writers hold this row's lock until the commit, so
# generations are committed in order, and a comparison sees everything that was compared before.
generation = Table(
    "generation",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("divided", Boolean, nullable=False, server_default="false"),
    CheckConstraint("one", name="generation_one"),
)
# While matching is divided: the generation up to which each shard has compared its vacancies, and
# by which rules.
matching_shard = Table(
    "matching_shard",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column(
        "done",
        BigInteger,
        nullable=False,
        comment="Generation up to which its vacancies were compared",
    ),
    Column("ruleset", Text, nullable=False),
)

# Vacancies and resumes, packed for matching: see recommendations/index/packing.py.
comparable = Table(
    "comparable",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("version", Integer),
    Column("state", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("ruleset", Text, nullable=False),
    Column("cause", JSONB, comment="Context of the last change, while matching is divided"),
    Column("head", LargeBinary),
    Column("skills", LargeBinary),
    Column("languages", LargeBinary),
    Column("words", LargeBinary),
    CheckConstraint("kind in ('vacancy', 'resume')", name="comparable_kind"),
    CheckConstraint("state in ('open', 'closed', 'deleted')", name="comparable_state"),
    Index("comparable_generation", "generation"),
)

recommendation = Table(
    "recommendation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("vacancy_id", Uuid, nullable=False),
    Column("resume_id", Uuid, nullable=False),
    Column("company_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("score", Float, nullable=False),
    Column("strength", Float, nullable=False, server_default="0"),
    Column("resume_version", Integer),
    Column("vacancy_version", Integer, nullable=False),
    Column("ruleset", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("dismiss_reason", Text),
    Column("withdrawn", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("resume_id", "vacancy_id", name="recommendation_pair"),
    CheckConstraint(
        "state in ('new', 'seen', 'shortlisted', 'invited', 'dismissed')",
        name="recommendation_state",
    ),
    Index("recommendation_vacancy", "vacancy_id"),
    Index("recommendation_user", "user_id"),
    Index("recommendation_company", "company_id", "created_at", "id"),
)

# Which company has viewed which resume's card.
card_view = Table(
    "card_view",
    metadata,
    Column("resume_id", Uuid, primary_key=True),
    Column("company_id", Uuid, ForeignKey("company.id"), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
)

# Whether an application can still move.
OPEN = "stage in ('response', 'consider', 'phone_interview', 'assessment', 'interview', 'offer')"

application = Table(
    "application",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("vacancy_id", Uuid, ForeignKey("vacancy.id"), nullable=False),
    Column("company_id", Uuid, ForeignKey("company.id"), nullable=False),
    Column("resume_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("origin", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("letter", Text),
    Column("closed_reason", Text),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("viewed_at", DateTime(timezone=True)),
    # When the contacts were opened: by applying, or by accepting an invitation later.
    Column("accepted_at", DateTime(timezone=True)),
    # The anonymous resume at that time, which the company keeps after the application has ended.
    Column("kept_resume", JSONB(none_as_null=True)),
    # The number of changes that each side is notified of, and how many of them it has seen.
    *(
        Column(f"{side}_{what}", Integer, nullable=False, server_default=text("0"))
        for side in ("applicant", "employer")
        for what in ("news", "seen")
    ),
    CheckConstraint("origin in ('response', 'invitation')", name="application_origin"),
    CheckConstraint(
        f"{OPEN} or stage in ('hired', 'discard_by_employer', 'discard_by_applicant', "
        "'discard_vacancy_closed')",
        name="application_stage",
    ),
    Index("application_open", "vacancy_id", "resume_id", unique=True, postgresql_where=text(OPEN)),
    Index("application_resume", "resume_id", postgresql_where=text(OPEN)),
    Index("application_kept", "resume_id", postgresql_where=text("kept_resume is not null")),
    Index(
        "application_invited",
        "company_id",
        "created_at",
        postgresql_where=text("origin = 'invitation'"),
    ),
    Index(
        "application_applicant_news",
        "user_id",
        postgresql_where=text("applicant_news > applicant_seen"),
    ),
    Index(
        "application_employer_news",
        "company_id",
        "vacancy_id",
        postgresql_where=text("employer_news > employer_seen"),
    ),
    Index("application_user", "user_id", "id"),
    Index("application_company", "company_id", "id"),
    Index("application_vacancy", "vacancy_id", "id"),
)

application_move = Table(
    "application_move",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("application_id", Uuid, ForeignKey("application.id"), nullable=False),
    Column("from_stage", Text),
    Column("to_stage", Text, nullable=False),
    Column("side", Text, nullable=False),
    # That of an API key for its acts, with its name then.
    Column("user_id", Uuid),
    Column("api_key", Text),
    Column("comment", Text),
    # Whether the other side may read the comment.
    Column("shared", Boolean, nullable=False),
    Column("reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("side in ('employer', 'applicant', 'system')", name="application_move_side"),
    Index("application_move_application", "application_id", "position"),
)

application_message = Table(
    "application_message",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("application_id", Uuid, ForeignKey("application.id"), nullable=False),
    Column("side", Text, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("api_key", Text),
    Column("text", Text, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("side in ('employer', 'applicant')", name="application_message_side"),
    Index("application_message_application", "application_id", "id"),
)

# Interviews as they stand now. All changes hold the application's lock.
interview = Table(
    "interview",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("application_id", Uuid, ForeignKey("application.id"), nullable=False),
    # Rises with each change; also the SEQUENCE of the calendar entry.
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("slots", ARRAY(DateTime(timezone=True)), nullable=False),
    # The last of the slots: until then one can be chosen.
    Column("last_at", DateTime(timezone=True), nullable=False),
    # The chosen one; of a cancelled interview, the one that was chosen.
    Column("starts_at", DateTime(timezone=True)),
    Column("place", Text),
    Column("note", Text),
    # What the side that declined, asked for other times or called it off has said.
    Column("reply", Text),
    Column("cancelled_by", Text),
    # Who proposed the slots; null once erased.
    Column("proposed_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "state in ('proposed', 'asked', 'chosen', 'declined', 'cancelled', 'expired')",
        name="interview_state",
    ),
    CheckConstraint("state <> 'chosen' or starts_at is not null", name="interview_chosen"),
    CheckConstraint("cardinality(slots) between 1 and 5", name="interview_slots"),
    Index("interview_application", "application_id", "id"),
    Index("interview_proposed_by", "proposed_by", "starts_at"),
    Index("interview_waiting", "last_at", postgresql_where=text("state = 'proposed'")),
)

# The address at which a person's calendar reads their interviews.
calendar_feed = Table(
    "calendar_feed",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    # A keyed digest of the secret, to find it by, and the secret itself, sealed.
    Column("mark", LargeBinary, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # The reads since the beginning of an hour, for the limit.
    Column("reads", Integer, nullable=False),
    Column("hour_at", DateTime(timezone=True), nullable=False),
)

# Whether the applicant of an application that ended long ago was asked to keep it.
application_retention = Table(
    "application_retention",
    metadata,
    Column(
        "application_id", Uuid, ForeignKey("application.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("kept_at", DateTime(timezone=True), comment="When the applicant said to keep it"),
    Column("notice_id", Uuid),
    Column("asked_at", DateTime(timezone=True)),
    Column("notified_at", DateTime(timezone=True), comment="When the mail was queued"),
    Column("anonymised_at", DateTime(timezone=True)),
    Index("application_retention_notice", "notice_id"),
)

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column(
        "alerts_since",
        DateTime(timezone=True),
        comment="It alerts about vacancies published since; null: no alerts",
    ),
    _changed(),
    Index("saved_search_user", "user_id", "id"),
    Index("saved_search_changed", "changed"),
)

# The vacancies that a saved search has met since it has alerts.
search_match = Table(
    "search_match",
    metadata,
    Column(
        "saved_search_id", Uuid, ForeignKey("saved_search.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("vacancy_id", Uuid, ForeignKey("vacancy.id", ondelete="CASCADE"), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column(
        "withdrawn",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="It no longer meets the vacancy",
    ),
    Index("search_match_vacancy", "vacancy_id"),
)

saved_vacancy = Table(
    "saved_vacancy",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("vacancy_id", Uuid, ForeignKey("vacancy.id", ondelete="CASCADE"), primary_key=True),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Index("saved_vacancy_order", "user_id", "saved_at", "vacancy_id"),
    Index("saved_vacancy_vacancy", "vacancy_id"),
)
