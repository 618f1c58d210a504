"""What can be set, by environment variables with the prefix HIREWIRE_."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, ValidationInfo, create_model, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hirewire.kit.manifest import Manifest
from hirewire.kit.search_clusters import SearchCluster, parse_cluster
from hirewire.kit.setting_forms import (
    Address,
    BrokerAddress,
    DatabaseAddress,
    HttpAddress,
    Mailbox,
    MailServer,
    Networks,
    SearchAddress,
    SecretKeys,
    TimeZone,
)
from hirewire.kit.sign_in_providers import SignInProvider, parsed

PREFIX = "HIREWIRE_"


class SettingsError(Exception):
    """A setting is unknown or malformed; the message names it."""


def require_secret_key(settings: "Settings") -> None:
    """Raises `SettingsError` without the key of what must not stand readable in a database."""
    if settings.secret_key is None:
        raise SettingsError(
            "HIREWIRE_SECRET_KEY is not set: it encrypts queued mails and marks networks and codes "
            "(32 characters or more, such as those of `openssl rand -base64 32`)"
        )


class Settings(BaseSettings):
    """All settings. Each can also be read from the file named by ``<NAME>_FILE``.

    `settings_for` adds the port and the address of each service.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")
    manifests: ClassVar[tuple[Manifest, ...]] = ()
    """The services whose ports and addresses are settings."""

    data_dir: Path | None = Field(
        None, description="Folder of the embedded PostgreSQL, RabbitMQ and Kafka"
    )
    search_dir: Path | None = Field(
        None, description="Folder of the search indexes, which can be rebuilt. Not set: in memory"
    )
    search_url: SearchAddress | None = Field(
        None,
        repr=False,
        description="OpenSearch cluster that all replicas of vacancies share: "
        "https://user:password@host:9200[,host:9200]/prefix, with ?shards=, replicas= and ca= "
        "(a file). Not set: each process has an index of its own",
    )
    large_bodies: Path | None = Field(
        None,
        description="Folder that all replicas of all services share, for bodies of events over "
        "256 KiB: their messages only refer to them. Not set: they go through the broker",
    )
    dictionary: Path | None = Field(
        None,
        description="CSV file of skills and spellings that vacancies adds to its dictionary: "
        "label,ru,other,skill",
    )
    database_url: DatabaseAddress | None = Field(
        None,
        description="PostgreSQL server, postgresql://user:password@host:port[/prefix]; "
        "each service has the database <prefix>_<service>. Several servers, host:port,host:port: "
        "the primary among them. It may be a pooler's. Not set: an embedded one",
    )
    database_direct_url: DatabaseAddress | None = Field(
        None,
        description="Address of the same server without the pooler (PgBouncer in transaction "
        "mode), for locks, notifications, migrations and operators' commands. Not set: "
        "HIREWIRE_DATABASE_URL, which then must not be a pooler's",
    )
    database_read_url: DatabaseAddress | None = Field(
        None,
        description="Address of a standby of the same server (or of its pooler), for what visitors "
        "who are not signed in read. Not set: they read from the primary",
    )
    database_read_seconds: float = Field(
        5.0,
        ge=2,
        le=3600,
        description="Seconds that the standby may be behind; beyond that, visitors read from the "
        "primary",
    )
    broker_url: BrokerAddress | None = Field(
        None,
        description="amqp(s)://user:password@host:port/vhost, kafka(+ssl)://host:port/namespace or "
        "postgresql://…. Not set: queues in PostgreSQL",
    )
    kafka_home: Path | None = Field(
        None,
        description="Folder of a Kafka distribution (4.0 or later) for `--broker kafka`. Not set: "
        "its jars are fetched from Maven Central once",
    )
    rabbitmq_management_url: str | None = Field(
        None, description="http(s)://user:password@host:15672, where migrate creates broker users"
    )
    rabbitmq_passwords: dict[str, str] = Field(
        default_factory=dict,
        description='JSON, {"auth": "…", "profiles": "…"}: passwords of the broker users that '
        "migrate creates",
    )
    kafka_passwords: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description='JSON, {"auth": "…", "profiles": "…"}: passwords (SCRAM) of the Kafka users '
        "that migrate creates, with what each may do",
    )
    rabbitmq_plain_queues: dict[str, Literal["in", "out"]] = Field(
        default_factory=dict,
        description="Plain queues for external services: user.registered=out,… (we publish to "
        "it) or employer.profile.created=in,… (we consume from it)",
    )
    host: str = Field("127.0.0.1", description="Address the services listen on")
    drain_seconds: float = Field(
        0,
        ge=0,
        le=300,
        description="Seconds for which a process that was asked to stop still serves requests, "
        "while /health/ready and /health/serving answer 503: for what distributes requests over "
        "several processes",
    )
    public_url: HttpAddress = Field(
        "http://127.0.0.1:8000",
        description="The public address of the board; also the issuer of tokens",
    )
    country: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        description="Country of the vacancies, ISO 3166: RU, DE, …; search engines require it",
    )
    contact_email: str | None = Field(
        None,
        max_length=254,
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="The operator's address, shown on the page Contact",
    )
    privacy_notice: Path | None = Field(
        None,
        description="TOML file with the privacy notice that users agree to, and its version. The "
        "same for auth and web. Not set: a notice of our own",
    )
    time_zone: TimeZone = Field(
        "UTC",
        description="Time zone of the board's days, such as Europe/Moscow: deadlines, dates "
        "on pages and in feeds. The same for all services",
    )
    trusted_proxies: Networks = Field(
        "127.0.0.1",
        description="Addresses and networks whose X-Forwarded-For is trusted, comma-separated",
    )
    operator_token: str | None = Field(
        None,
        min_length=16,
        description="Token with which `hirewire events` and the console use the services' "
        "internal API",
    )
    secret_key: SecretKeys | None = Field(
        None,
        repr=False,
        description="Key that encrypts signing keys, queued mails and exports in the databases, 32 "
        "characters or more. Several, comma-separated: the first encrypts, all decrypt. The same "
        "for all services but web. auth does not start without it. The embedded mode makes one",
    )
    smtp_url: MailServer | None = Field(
        None,
        repr=False,
        description="Server that sends mail: smtp://user:password@host:587 (STARTTLS if offered), "
        "smtp+starttls://… (required), smtps://… (TLS), or file:///folder, which keeps the mails. "
        "The embedded mode keeps them and shows them at /dev/mail",
    )
    mail_from: str | None = Field(
        None,
        max_length=254,
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="Sender address of mails. Not set: no-reply@ and the public address' host",
    )
    unsubscribe_address: str | None = Field(
        None,
        max_length=254,
        pattern=r"^[^@\s<>?]+@[^@\s<>?]+$",
        description="Mailbox to which people can write that they want no more mails about notices; "
        "it is named beside the link that does it at once. Somebody has to read it",
    )
    bounces_address: str | None = Field(
        None,
        max_length=254,
        pattern=r"^[^@\s<>*]{0,20}\*@[^@\s<>*]+$",
        description="Return address of mails, with * for the mark of each: "
        "bounces+*@example.org, or *@bounces.example.org. Mails that cannot be delivered come back "
        "there. Not set: to HIREWIRE_MAIL_FROM",
    )
    bounces_mailbox: Mailbox | None = Field(
        None,
        repr=False,
        description="Mailbox of the return address, from which notifications reads and deletes "
        "reports: imaps://user:password@host/INBOX, imap+starttls://… or imap://… (no TLS)",
    )
    bounces_secret: str | None = Field(
        None,
        repr=False,
        min_length=16,
        description="Secret of the mail provider's webhook POST /api/notifications/bounces. Not "
        "set: it is off",
    )
    verified_email: Literal["required", "optional"] = Field(
        "optional",
        description="required: users whose email address is not verified cannot publish, apply, "
        "invite or write messages. The same for all services",
    )
    sign_in_providers: dict[str, SignInProvider] = Field(
        default_factory=dict,
        repr=False,
        description='JSON, {"google": {"issuer": "https://accounts.google.com", "name": "Google", '
        '"client_id": "…", "client_secret_file": "…"}}: OpenID Connect providers that people can '
        "sign in with. Only auth needs it",
    )
    operators_second_factor: Literal["required", "optional"] = Field(
        "optional",
        description="required: operators can act only in a session that began with a passkey, or "
        "with a code after the password. The same for all services",
    )
    otlp_endpoint: Address | None = Field(
        None,
        description="Where spans are sent: http://host:4318 (OTLP over HTTP). Not set: no spans",
    )
    partitions: dict[str, int] = Field(
        default_factory=dict,
        description="profiles=4,…: the number of queues over which a service's replicas work in "
        "parallel. The same for all replicas; it can be increased",
    )
    matching: Literal["whole", "divided"] = Field(
        "whole",
        description="divided: the workers of vacancies divide the open vacancies among them, and "
        "each compares its own with a changed resume. whole: one process compares all of them",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged: debug, info, warning or error"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="console, json or auto: console in a terminal, otherwise json"
    )
    retention_days: int = Field(
        30,
        ge=1,
        le=3650,
        validate_default=True,
        description="Days for which the event log and the inbox are kept",
    )
    retention_months_applications: int | None = Field(
        None,
        ge=1,
        le=240,
        description="Applications that ended so many months ago are anonymised; applicants are "
        "asked by mail 14 days before. Not set: never",
    )
    retention_months_resumes: int | None = Field(
        None,
        ge=1,
        le=240,
        description="Resumes that were neither edited nor used for so many months are deleted; "
        "owners are asked by mail 14 days before. Not set: never",
    )
    batch_size: int = Field(
        500, ge=1, le=5000, description="Maximum number of messages in one transaction"
    )
    registrations_per_hour: int = Field(
        60,
        ge=1,
        description="Maximum number of registrations from one address (IPv6: /64) in an hour; "
        "the machine itself is not limited",
    )
    messages_per_day: int = Field(
        200, ge=1, description="Messages that one side of a conversation may send in 24 hours"
    )
    imported_rows_per_hour: int = Field(
        20_000, ge=500, description="Vacancies that a company may send to imports in an hour"
    )
    invitations_per_day: int = Field(
        200, ge=1, description="Candidates that a company may invite in 24 hours"
    )
    outgoing_networks: Networks | None = Field(
        None,
        description="Networks of your own that webhooks and push messages may be sent to, also by "
        "http, comma-separated: 10.1.0.0/16. Not set: only public addresses, by https",
    )
    api_key_requests_per_minute: int = Field(
        600, ge=1, le=1_000_000, description="Requests of one API key in a minute"
    )
    webhook_delivery_days: int = Field(
        30, ge=1, le=365, description="Days for which deliveries to webhooks are kept"
    )
    webhook_off_days: int = Field(
        3,
        ge=1,
        le=30,
        description="Days for which all attempts have failed after which a webhook is switched off",
    )
    database_pool: int = Field(
        10,
        ge=2,
        le=200,
        description="Database connections that a process keeps open; under "
        "load it opens up to twice as many",
    )

    @field_validator("partitions")
    @classmethod
    def _partitions(cls, value: dict[str, int]) -> dict[str, int]:
        for name, count in value.items():
            if f"{name}_port" not in cls.model_fields or not 1 <= count <= 64:
                raise ValueError(f"{name}={count}: not a service with 1 to 64 partitions")
        return value

    @field_validator("retention_days")
    @classmethod
    def _as_long_as_topics(cls, value: int, info: ValidationInfo) -> int:
        parts = urlsplit(info.data.get("broker_url") or "")
        kept = dict(parse_qsl(parts.query)).get("retention_days", "")
        if parts.scheme.startswith("kafka") and kept.isdecimal() and int(kept) > value:
            raise ValueError(
                f"{value}, but topics keep events for {kept} days (HIREWIRE_BROKER_URL): an event "
                "that comes again must be known"
            )
        return value

    @field_validator("sign_in_providers", mode="before")
    @classmethod
    def _providers(cls, value: object) -> dict[str, SignInProvider]:
        return parsed(value)

    @field_validator("database_direct_url", "database_read_url")
    @classmethod
    def _beside_the_first(cls, value: str | None, given: ValidationInfo) -> str | None:
        if value is not None and given.data.get("database_url") is None:
            raise ValueError("HIREWIRE_DATABASE_URL must be set too")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use the given values only, since `kit.environment` has already read the environment."""
        return (init_settings,)

    @property
    def direct_url(self) -> str | None:
        """The address of the database server itself; None without one."""
        return self.database_direct_url or self.database_url

    def service_database(self, service: str) -> str:
        """The direct address of a service's own database. Raises `SettingsError` without one."""
        return self._database(self.direct_url, service)

    def shared_database(self, service: str) -> str | None:
        """The pooler's address of a service's own database, for transactions; None without one."""
        if self.database_direct_url in (None, self.database_url):
            return None
        return self._database(self.database_url, service)

    def standby_database(self, service: str) -> str | None:
        """The address of a standby of a service's own database; None without one."""
        if self.database_read_url is None:
            return None
        return self._database(self.database_read_url, service)

    @staticmethod
    def _database(address: str | None, service: str) -> str:
        if address is None:
            raise SettingsError("HIREWIRE_DATABASE_URL is not set")
        parts = urlsplit(address)
        name = f"{parts.path.removeprefix('/') or 'hirewire'}_{service}"
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}/{name}{query}"

    @property
    def search_cluster(self) -> SearchCluster | None:
        """The cluster in which all processes search; None if each has an index of its own."""
        return parse_cluster(self.search_url) if self.search_url else None

    def plain_queues(self, direction: Literal["in", "out"]) -> list[str]:
        """The events that use plain queues in this direction."""
        return [name for name, way in self.rabbitmq_plain_queues.items() if way == direction]

    def broker_address(self) -> str:
        """The broker's address; by default the database ``…_broker`` on the database server."""
        return self.broker_url or self.service_database("broker")

    @property
    def gateway(self) -> Manifest:
        """The service that browsers and API clients connect to."""
        return next(manifest for manifest in self.manifests if manifest.is_public)

    def port(self, service: str) -> int:
        """The port that a service listens on."""
        port: int = getattr(self, f"{service}_port")
        return port

    def service_url(self, service: str) -> str:
        """The HTTP address of a service, without a trailing slash."""
        url: str | None = getattr(self, f"{service}_url", None)
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return url or f"http://{host}:{self.port(service)}"


def settings_for(manifests: Sequence[Manifest]) -> type[Settings]:
    """Settings with the port and the address of each of these services."""
    fields: dict[str, Any] = {}
    for service in manifests:
        name, text = service.name, f"Port of {service.name}"
        fields[f"{name}_port"] = (int, Field(service.port, ge=1, le=65535, description=text))
        if service.paths:
            text = f"Address at which the gateway reaches {name}. Not set: host and port"
            fields[f"{name}_url"] = (HttpAddress | None, Field(None, description=text))
    made = create_model("PlatformSettings", __base__=Settings, **fields)
    made.manifests = tuple(manifests)
    return made
