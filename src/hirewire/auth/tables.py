"""The tables of `auth`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

user = Table(
    "user_account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column(
        "email_key", Text, nullable=False, unique=True, comment="In lower case, IDN as punycode"
    ),
    Column("password_hash", Text, comment="argon2id, in PHC form; null: no password"),
    Column("role", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("language", Text, comment="Of mails; null: the language of the request"),
    Column(
        "is_language_chosen",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="By the user; otherwise the last sign-in's",
    ),
    Column("time_zone", Text, comment="Of the IANA database; null: the board's"),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("blocked_at", DateTime(timezone=True)),
    Column("blocked_by", Uuid, comment="The operator; null: the command line"),
    Column("blocked_why", Text),
    Column("role_besides", Text, comment="Of an admin: the role without it"),
    Index("user_account_key_prefix", "email_key", postgresql_ops={"email_key": "text_pattern_ops"}),
    Index("user_account_admins", "id", postgresql_where=text("role = 'admin'")),
    CheckConstraint(
        "(blocked_at is null) = (blocked_why is null) "
        "and (blocked_at is not null or blocked_by is null)",
        name="user_account_blocked",
    ),
    CheckConstraint("role in ('applicant', 'employer', 'admin')", name="user_account_role"),
    CheckConstraint("language in ('en', 'ru')", name="user_account_language"),
)

session = Table(
    "session",
    metadata,
    Column("id", Uuid, primary_key=True, comment="A family of refresh tokens: one login"),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False, comment="However often refreshed"),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_why", Text),
    Column("used_at", DateTime(timezone=True), comment="The last refresh"),
    Column("device", Text, comment="Browser and system, by the User-Agent at login"),
    Column("network", Text, comment="IPv4 /24 or IPv6 /48 of the login"),
    Column(
        "is_strong",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Begun with a passkey, or a code after the password",
    ),
    Index("session_by_user", "user_id"),
    Index("session_ends_at", "ends_at"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column("session_id", Uuid, ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("refresh_token_session", "session_id"),
    Index("refresh_token_expires_at", "expires_at"),
)

failed_login = Table(
    "failed_login",
    metadata,
    Column("network", Text, nullable=False, comment="IPv4 address or IPv6 /64 it came from"),
    Column("account", LargeBinary, nullable=False, comment="SHA-256 of the e-mail address tried"),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("failed_login_network", "network", "at"),
    Index("failed_login_account", "account", "at"),
    Index("failed_login_at", "at"),
)

known_place = Table(
    "known_place",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("place", LargeBinary, primary_key=True, comment="SHA-256 of the user and the network"),
    Column("at", DateTime(timezone=True), nullable=False, comment="The last login from there"),
    Index("known_place_at", "at"),
)

registration = Table(
    "registration",
    metadata,
    Column("network", Text, nullable=False, comment="IPv4 address or IPv6 /64 it came from"),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("registration_network", "network", "at"),
    Index("registration_at", "at"),
)

one_time_secret = Table(
    "one_time_secret",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column(
        "token_hash",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="SHA-256 of the token in the link",
    ),
    Column("code_mark", LargeBinary, comment="Keyed digest of the six-digit code"),
    Column(
        "address_key", Text, nullable=False, comment="The key of the user's address at that time"
    ),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0", comment="Wrong codes"),
    Index("one_time_secret_user", "user_id", "purpose"),
    Index("one_time_secret_expires_at", "expires_at"),
)

address_change = Table(
    "address_change",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("address_change_expires_at", "expires_at"),
)

mail_request = Table(
    "mail_request",
    metadata,
    Column("network", Text, nullable=False, comment="IPv4 address or IPv6 /64 it came from"),
    Column(
        "account", LargeBinary, nullable=False, comment="SHA-256 of the key of the e-mail address"
    ),
    Column("purpose", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("mail_request_network", "network", "at"),
    Index("mail_request_account", "account", "at"),
    Index("mail_request_at", "at"),
)

link_to_send = Table(
    "link_to_send",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "request",
        LargeBinary,
        nullable=False,
        comment="The address as asked for and the language, encrypted",
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("link_to_send_at", "at"),
)

consent = Table(
    "consent",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Text, primary_key=True, comment="Of the privacy notice"),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("device", Text),
    Column("network", Text),
)

data_export = Table(
    "data_export",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("public_url", Text, nullable=False, comment="The board's address, for the mail"),
    Column("state", Text, nullable=False, server_default="running"),
    Column("ready_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True), comment="When the link and the parts die"),
    CheckConstraint("state in ('running', 'ready', 'failed')", name="data_export_state"),
    Index(
        "data_export_running", "user_id", unique=True, postgresql_where=text("state = 'running'")
    ),
    Index("data_export_user", "user_id", "requested_at"),
)

data_export_part = Table(
    "data_export_part",
    metadata,
    Column("export_id", Uuid, ForeignKey("data_export.id", ondelete="CASCADE"), primary_key=True),
    Column("service", Text, primary_key=True),
    Column("made_at", DateTime(timezone=True)),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False, comment="In COSE form (RFC 9052)"),
    Column(
        "sign_count",
        BigInteger,
        nullable=False,
        comment="Of the last sign-in; a copied key would lag behind",
    ),
    Column("name", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("passkey_user", "user_id"),
)

passkey_challenge = Table(
    "passkey_challenge",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the challenge"),
    Column(
        "session_id",
        Uuid,
        ForeignKey("session.id", ondelete="CASCADE"),
        comment="The session that adds it; null: a sign-in",
    ),
    Column("network", Text, nullable=False, comment="IPv4 address or IPv6 /64 it was sent to"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("passkey_challenge_session", "session_id"),
    Index("passkey_challenge_network", "network", "expires_at"),
    Index("passkey_challenge_expires_at", "expires_at"),
)

second_factor = Table(
    "second_factor",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", LargeBinary, nullable=False, comment="The secret of the app, encrypted"),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column(
        "confirmed_at", DateTime(timezone=True), comment="Null: the first code is still to come"
    ),
    Column("last_step", BigInteger, comment="The time step of the last code that was accepted"),
    Column("wrong_codes", Integer, nullable=False, server_default="0", comment="Since wrong_since"),
    Column("wrong_since", DateTime(timezone=True)),
    Index("second_factor_begun", "begun_at", postgresql_where=text("confirmed_at is null")),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "mark", LargeBinary, primary_key=True, comment="Digest of the code, keyed with the secret"
    ),
    Column("used_at", DateTime(timezone=True)),
)

login_ticket = Table(
    "login_ticket",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the ticket"),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0", comment="Wrong codes"),
    Index("login_ticket_user", "user_id"),
    Index("login_ticket_expires_at", "expires_at"),
)

provider_callback = Table(
    "provider_callback",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("network", Text, nullable=False, comment="IPv4 address or IPv6 /64 it came from"),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("provider_callback_network", "network", "at"),
    Index("provider_callback_at", "at"),
)

sign_up_ticket = Table(
    "sign_up_ticket",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the ticket"),
    Column("provider", Text, nullable=False),
    Column("identity", LargeBinary, nullable=False, comment="Who it is there, encrypted"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("sign_up_ticket_expires_at", "expires_at"),
)

identity = Table(
    "identity",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("provider", Text, nullable=False, comment="As HIREWIRE_SIGN_IN_PROVIDERS names it"),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="Who it is there"),
    Column("email", Text, comment="The address there, to recognise it by"),
    Column("connected_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("issuer", "subject", name="identity_issuer_subject"),
    UniqueConstraint("user_id", "issuer", name="identity_user_issuer"),
)

personal_token = Table(
    "personal_token",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the token"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), comment="Exact to the hour"),
    Index("personal_token_by_user", "user_id"),
    Index("personal_token_expires_at", "expires_at"),
)

# Who acts for which company, as `vacancies` says.
company_member = Table(
    "company_member",
    metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Index("company_member_company", "company_id"),
)

# Belongs to a company: it outlives who made it.
api_key = Table(
    "api_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("company_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("per_minute", Integer, comment="Requests; null: as the board allows"),
    Column("created_by", Uuid, ForeignKey("user_account.id", ondelete="SET NULL")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True), comment="Exact to the hour"),
    Index("api_key_company", "company_id"),
    Index("api_key_created_by", "created_by"),
)

# Two while a key is rotated.
api_key_secret = Table(
    "api_key_secret",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the key"),
    Column("key_id", Uuid, ForeignKey("api_key.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("warned_at", DateTime(timezone=True), comment="When mails said that it expires soon"),
    Index("api_key_secret_key", "key_id", "created_at"),
)

# How many requests of its current minute were given to gateways.
api_key_window = Table(
    "api_key_window",
    metadata,
    Column("key_id", Uuid, ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True),
    Column("begun", DateTime(timezone=True), nullable=False),
    Column("used", Integer, nullable=False),
    Column("granted", Integer, nullable=False, comment="With the latest call"),
    prefixes=["UNLOGGED"],
)

security_event = Table(
    "security_event",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "user_id",
        Uuid,
        ForeignKey("user_account.id", ondelete="CASCADE"),
        comment="Null: an address without an account was tried; deleted within an hour",
    ),
    Column("what", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("device", Text, comment="Browser and system"),
    Column("network", Text, comment="IPv4 /24 or IPv6 /48"),
    Index("security_event_user", "user_id", "at", "id"),
    Index("security_event_at", "at"),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True, comment="RFC 7638 thumbprint"),
    Column(
        "private_jwk", JSONB(none_as_null=True), comment="Readable, as an older version stored it"
    ),
    Column("public_jwk", JSONB, comment="Null: an older version made the key just now"),
    Column("sealed", LargeBinary, comment="The private key, encrypted"),
    Column("plain_until", DateTime(timezone=True), comment="When private_jwk is removed"),
    Column("not_before", DateTime(timezone=True), nullable=False, comment="Made and published"),
    Column("sign_from", DateTime(timezone=True), nullable=False),
    Column("sign_until", DateTime(timezone=True), nullable=False, comment="Unless followed sooner"),
    Column("not_after", DateTime(timezone=True), nullable=False, comment="Its last token is dead"),
    Column("announced_at", DateTime(timezone=True), comment="When it was published last"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False, unique=True),
    Column(
        "receipt_hash",
        LargeBinary,
        nullable=False,
        unique=True,
        comment="SHA-256 of the receipt id",
    ),
    Column("erased_at", DateTime(timezone=True), nullable=False),
    Column("services", ARRAY(Text), nullable=False, comment="Whose answers are expected"),
    Column("completed_at", DateTime(timezone=True)),
    Index("erasure_open", "erased_at", postgresql_where=text("completed_at is null")),
)

erasure_answer = Table(
    "erasure_answer",
    metadata,
    Column("erasure_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("records", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
