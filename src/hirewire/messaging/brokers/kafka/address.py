"""Addresses of Kafka clusters, and the errors of its client as the broker's own."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from confluent_kafka import KafkaError, KafkaException

from hirewire.messaging.broker import QUEUE_PREFIX, BrokerMisconfigured, BrokerUnavailable
from hirewire.messaging.brokers.addresses import host_and_port
from hirewire.messaging.brokers.kafka.troubles import Troubles, is_without_reason, reason_of

Configuration: TypeAlias = dict[str, str | int | float | bool | Callable[[KafkaError], None]]
"""Properties of the client library, librdkafka, by name."""

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
DAYS, MOST_DAYS = 7, 3650
MOST_PARTITIONS = 256
AVOID_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""How long a cluster may take to answer."""
_OPTIONS = ("ca", "mechanism", "partitions", "replication", "retention_days", "token_endpoint")
_DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_CONFIG,
    }
)
_PASSING = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._NOENT,  # no leader, as the client library says it
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a cluster is, who signs in, and how topics are made."""

    servers: str
    namespace: str
    """The beginning of the names of topics and groups."""
    user: str | None
    security: Mapping[str, str]
    """Properties of the client library that say how it signs in; with the password."""
    replication: int
    """Copies of each partition; -1: as many as the cluster's default."""
    retention_days: int
    """How long a topic keeps an event."""
    partitions: int = 1
    """Of each owner's topic, at least."""
    troubles: Troubles = field(default_factory=Troubles, compare=False)
    _avoided: dict[str, float] = field(default_factory=dict, compare=False)
    """Servers at which no new client begins, each until a time of the monotonic clock."""

    def avoid(self, server: str) -> None:
        """Let no new client begin at this server for a while, unless there is no other."""
        self._avoided[server] = time.monotonic() + AVOID_SECONDS

    def _begin_at(self) -> str:
        now, servers = time.monotonic(), self.servers.split(",")
        usable = [one for one in servers if self._avoided.get(one, now) <= now]
        return ",".join(usable or servers)

    def configuration(self, client: str) -> Configuration:
        """Properties that every client needs."""
        return {
            "bootstrap.servers": self._begin_at(),
            "client.id": f"hirewire {client}",
            "socket.keepalive.enable": True,
            "socket.connection.setup.timeout.ms": 5_000,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 2_000,
            # So long a frozen node is waited for, which was the leader.
            "socket.timeout.ms": 10_000,
            "topic.metadata.refresh.interval.ms": 5_000,
            "log_level": 0,  # what is wrong is in the errors
            "error_cb": self.troubles.note,
            **self.security,
        }

    def translated(self, error: BaseException, *, of: str = "") -> Exception:
        """An error of the client library as temporary or permanent; `of` names what it is about."""
        if isinstance(error, (BrokerUnavailable, BrokerMisconfigured)):
            return error
        found = error.args[0] if isinstance(error, KafkaException) and error.args else error
        if not isinstance(found, KafkaError):
            return BrokerUnavailable(f"{type(error).__name__}: {error}"[:300])
        text = f"{found.name()}: {found.str()}"[:300]
        if found.code() in _DENIED:
            return BrokerMisconfigured(f"{of}: {text}" if of else text)
        reason = self.troubles.reason() if is_without_reason(found) else reason_of(found)
        return BrokerUnavailable(reason or text)

    def own(self, name: str) -> str:
        """The name of an owner's topic, or of a queue's group."""
        return f"{self.namespace}.{name.removeprefix(f'{QUEUE_PREFIX}.')}"

    def is_owners(self, topic: str) -> bool:
        """Whether a topic has the events of an owner."""
        return topic.startswith(f"{self.namespace}.")

    def alone(self, queue: str) -> str:
        """The name of a queue's own topic."""
        return f"{self.namespace}-to.{queue.removeprefix(f'{QUEUE_PREFIX}.')}"


def parse_url(url: str) -> Address:
    """The address at ``kafka[+ssl]://[user:password@]host[:port][,…][/namespace][?option=…]``.

    Raises `ValueError` without the password.
    """
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    given, _, secret = credentials.partition(":")
    user, password = unquote(given) or None, unquote(secret)
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise ValueError(f"broker address: unknown option {unknown[0]!r}")
    namespace = unquote(parts.path[1:]) or QUEUE_PREFIX
    if not namespace.replace("_", "").isalnum() or not namespace.isascii():
        raise ValueError("broker address: the namespace has letters, digits and _ only")
    return Address(
        servers=",".join(_with_port(place) for place in hosts.split(",")),
        namespace=namespace,
        user=user,
        security=_security(parts.scheme == "kafka+ssl", user, password, options),
        replication=_whole(options, "replication", -1, 9),
        retention_days=_whole(options, "retention_days", DAYS, MOST_DAYS),
        partitions=_whole(options, "partitions", 1, MOST_PARTITIONS),
    )


def _with_port(place: str) -> str:
    host, port = host_and_port(place, 9092)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _whole(options: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise ValueError(f"broker address: {name}: a whole number from 1 to {most}")
    return int(text)


def _security(
    encrypted: bool, user: str | None, password: str, options: Mapping[str, str]
) -> dict[str, str]:
    found = {"security.protocol": "SSL" if encrypted else "PLAINTEXT"}
    if "ca" in options:
        found["ssl.ca.location"] = options["ca"]
    if user is None:
        if "mechanism" in options:
            raise ValueError("broker address: a mechanism without a user")
        return found
    mechanism = options.get("mechanism", "SCRAM-SHA-512")
    if mechanism not in MECHANISMS:
        raise ValueError(f"broker address: mechanism: one of {', '.join(MECHANISMS)}")
    found["security.protocol"] = "SASL_SSL" if encrypted else "SASL_PLAINTEXT"
    found["sasl.mechanism"] = mechanism
    if mechanism != "OAUTHBEARER":
        return found | {"sasl.username": user, "sasl.password": password}
    if "token_endpoint" not in options:
        raise ValueError("broker address: OAUTHBEARER needs a token_endpoint")
    return found | {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": user,
        "sasl.oauthbearer.client.secret": password,
        "sasl.oauthbearer.token.endpoint.url": options["token_endpoint"],
    }


def is_passing(error: KafkaException) -> bool:
    """Whether it is such as a cluster answers for a moment: while a leader is chosen."""
    return isinstance(error.args[0], KafkaError) and error.args[0].code() in _PASSING
