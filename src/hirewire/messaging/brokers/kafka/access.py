"""Kafka's access control: which service may write and read which topics, through which groups.

Every rule follows from what a service publishes and consumes. Only the owner of events may write to
their topic, so a topic is the proof of who sent what is in it. Queues are declared by `migrate`: no
service may write to the topic of the queues, or make a topic.
"""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from hirewire.messaging.broker import BrokerMisconfigured
from hirewire.messaging.brokers.access import ServiceUser
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address
from hirewire.messaging.brokers.kafka.bindings import topic_of
from hirewire.messaging.brokers.kafka.reading import group_of_none
from hirewire.messaging.brokers.kafka.topics import admin_of, lock_topic_of
from hirewire.messaging.event import EVENTS

PRINCIPAL = "User:{service}"
ITERATIONS = 8192
"""Of SCRAM's hash: twice the least that Kafka takes."""
_OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
}
_RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
Acl: TypeAlias = tuple[ResourceType, str, ResourcePatternType, str, AclOperation]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a service may do with a topic or a group."""

    kind: str
    """topic or group."""
    name: str
    operations: tuple[str, ...]
    """Read and Write include Describe."""
    is_prefix: bool = False
    """Whether it holds for all names that begin so."""


def rules(address: Address, user: ServiceUser) -> list[Rule]:
    """What a service needs, and nothing else."""
    found = [Rule("group", group_of_none(address), ("Describe",))]
    if user.publishes or user.has_queue:
        found.append(Rule("topic", topic_of(address), ("Read",)))
    if user.publishes:
        found.append(Rule("topic", address.own(user.name), ("Write",)))
    owners = {EVENTS[event].owner for event in user.consumes}
    found += [Rule("topic", address.own(owner), ("Read",)) for owner in sorted(owners)]
    if not owners or not user.has_queue:
        return found
    partition = f"{address.alone(user.name)}.p"
    group = address.own(user.name)
    return [
        *found,
        Rule("topic", lock_topic_of(address), ("Read",)),
        Rule("topic", partition, ("Read", "Write"), is_prefix=True),
        Rule("group", group, ("Read",)),
        Rule("group", f"{group}.p", ("Read",), is_prefix=True),
        Rule("group", f"{group}@", ("Read",), is_prefix=True),  # generations of its projections
    ]


def commands(
    address: Address, users: Sequence[ServiceUser], *, principal: str = PRINCIPAL
) -> list[str]:
    """The rules as commands of `kafka-acls.sh`, without the options that say how to sign in."""
    found = []
    for user in users:
        who = shlex.quote(principal.replace("{service}", user.name))
        for rule in rules(address, user):
            pattern = " --resource-pattern-type prefixed" if rule.is_prefix else ""
            operations = " ".join(f"--operation {one}" for one in rule.operations)
            found.append(
                f"kafka-acls.sh --bootstrap-server {address.servers} --add --allow-principal {who} "
                f"{operations} --{rule.kind} {shlex.quote(rule.name)}{pattern}"
            )
    return found


async def grant(
    address: Address,
    users: Sequence[ServiceUser],
    *,
    passwords: Mapping[str, str],
    principal: str = PRINCIPAL,
) -> None:
    """Let these services do what the rules say, and nothing else with what the namespace has.

    Services with a password get it for SCRAM; those without sign in by other means. Raises
    `BrokerUnavailable`, and `BrokerMisconfigured` if we may not grant, or the cluster has no access
    control.
    """
    admin = admin_of(address, "access")

    def run() -> None:
        try:
            for mechanism in _scram_of(address):
                _set_passwords(admin, mechanism, passwords)
            for user in users:
                _set_rules(admin, address, principal.replace("{service}", user.name), user)
        except KafkaException:
            admin.poll(0)
            raise

    try:
        await asyncio.to_thread(run)
    except KafkaException as error:
        found = address.translated(error)
        if isinstance(found, BrokerMisconfigured):
            found = BrokerMisconfigured(f"access control: {found}")
        raise found from None


def _scram_of(address: Address) -> list[ScramMechanism]:
    own = address.security.get("sasl.mechanism", "")
    if own == "SCRAM-SHA-256":
        return [ScramMechanism.SCRAM_SHA_256]
    return [ScramMechanism.SCRAM_SHA_512]


def _set_passwords(
    admin: AdminClient, mechanism: ScramMechanism, passwords: Mapping[str, str]
) -> None:
    if not passwords:
        return
    how = ScramCredentialInfo(mechanism, ITERATIONS)
    changes: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, how, password.encode())
        for name, password in passwords.items()
    ]
    for answer in admin.alter_user_scram_credentials(changes).values():
        answer.result(ANSWER_SECONDS)


def _set_rules(admin: AdminClient, address: Address, principal: str, user: ServiceUser) -> None:
    expected = {
        _acl(rule, principal, one) for rule in rules(address, user) for one in rule.operations
    }
    mine = admin.describe_acls(
        AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]
            ResourcePatternType.ANY,
            principal,
            None,  # type: ignore[arg-type]
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
    ).result(ANSWER_SECONDS)
    namespace = (f"{address.namespace}.", f"{address.namespace}-")
    there = {
        (one.restype, one.name, one.resource_pattern_type, one.principal, one.operation)
        for one in mine
        if one.permission_type == AclPermissionType.ALLOW
        and one.host == "*"
        and one.name.startswith(namespace)
    }
    if new := sorted(expected - there, key=str):
        for answer in admin.create_acls([_binding(one) for one in new]).values():
            answer.result(ANSWER_SECONDS)
    if left := sorted(there - expected, key=str):
        for removed in admin.delete_acls([_filter(one) for one in left]).values():
            removed.result(ANSWER_SECONDS)


def _acl(rule: Rule, principal: str, operation: str) -> Acl:
    pattern = ResourcePatternType.PREFIXED if rule.is_prefix else ResourcePatternType.LITERAL
    return _RESOURCES[rule.kind], rule.name, pattern, principal, _OPERATIONS[operation]


def _binding(one: Acl) -> AclBinding:
    kind, name, pattern, principal, operation = one
    return AclBinding(kind, name, pattern, principal, "*", operation, AclPermissionType.ALLOW)


def _filter(one: Acl) -> AclBindingFilter:
    kind, name, pattern, principal, operation = one
    return AclBindingFilter(kind, name, pattern, principal, "*", operation, AclPermissionType.ALLOW)
