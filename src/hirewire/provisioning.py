"""Creates what services need: databases, queues, broker users, projections."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

import asyncpg
from sqlalchemy.exc import DBAPIError

from hirewire.assembly import SERVICES, gateways, plain_topology, service, topology
from hirewire.kit.db import ensure_database, make_engine, pending
from hirewire.kit.db import migrate as migrate_database
from hirewire.kit.settings import Settings
from hirewire.messaging import lineage
from hirewire.messaging.background import describe
from hirewire.messaging.broker import Broker, QueueTopology, broker_at, open_broker
from hirewire.messaging.brokers.access import ServiceUser, grant
from hirewire.messaging.consuming.partitions import topology_of as partition_topology
from hirewire.messaging.database import connect
from hirewire.messaging.event import EVENTS
from hirewire.messaging.introduction import introduce
from hirewire.messaging.projections import dropping, generations
from hirewire.messaging.projections.generations import Generation, Projection
from hirewire.messaging.transaction import Transactions


def broker_users(passwords: Mapping[str, str], plain: Sequence[str] = ()) -> list[ServiceUser]:
    """One broker user per service, with permissions for what it declares and nothing else.

    A gateway may consume the events that it forwards to open pages. `plain` are the events
    consumed from external services' plain queues.
    """
    users = []
    for name in SERVICES:
        page = service(name)
        if name in passwords:
            publishes = tuple(event.name for event in page.publishes)
            own = tuple(event for event in plain if event in page.consumes_plain)
            consumed = {*page.consumes, *(type for p in page.projections for type in p.types)}
            users.append(
                ServiceUser(name, passwords[name], publishes, tuple(sorted(consumed)), own)
            )
    for gateway in gateways():
        if gateway.name in passwords:
            password = passwords[gateway.name]
            users.append(ServiceUser(gateway.name, password, (), gateway.consumes, has_queue=False))
    return users


@dataclass
class Migrated:
    """What `migrate` has done."""

    applied: dict[str, list[str]] = field(default_factory=dict)
    lineages: dict[str, lineage.Adopted] = field(default_factory=dict)
    queues: Sequence[str] = ()
    users: Sequence[str] = ()


async def migrate(settings: Settings) -> Migrated:
    """Bring everything to the state that this version needs; running it again changes nothing.

    Databases and their schemas, the broker's topology, the subscribers in each owner's database,
    and (with a management address and passwords) the broker's users and permissions.
    """
    done = Migrated()
    plain = plain_topology(settings)
    for name in SERVICES:
        database = settings.service_database(name)
        done.applied[name] = await migrate_database(database, name)
        done.lineages[name] = await lineage.adopt_at(database)
    address = settings.broker_address()
    if urlsplit(address).scheme == "postgresql":
        await ensure_database(address)
    async with _broker(settings) as broker:
        done.queues = [queue.queue for queue in topology()]
        await _introduce(settings, broker)
        if plain:
            await broker.declare(plain)
        if broker_at(address) == "kafka":  # there the services may have no right to
            await broker.declare(_partitions(settings))
    done.users = await _grant(settings, address)
    return done


def _partitions(settings: Settings) -> list[QueueTopology]:
    found = [(name, count) for name, count in settings.partitions.items() if count > 1]
    return [partition_topology(name, n) for name, count in found for n in range(count)]


async def _grant(settings: Settings, address: str) -> list[str]:
    """Create the users whose passwords are given, with what each may do; their names."""
    broker, users = broker_at(address), list[ServiceUser]()
    if broker == "rabbitmq" and settings.rabbitmq_management_url and settings.rabbitmq_passwords:
        users = broker_users(settings.rabbitmq_passwords, settings.plain_queues("in"))
        vhost = unquote(urlsplit(address).path.removeprefix("/")) or "/"
        await grant(settings.rabbitmq_management_url, vhost, users)
    elif broker == "kafka" and settings.kafka_passwords:
        from hirewire.messaging.brokers.kafka import access, parse_url

        users = broker_users(settings.kafka_passwords)
        passwords = {user.name: user.password for user in users}
        await access.grant(parse_url(address), users, passwords=passwords)
    return [user.name for user in users]


async def why_not_migrated(settings: Settings, name: str) -> str | None:
    """Why a service cannot start yet: its database is away, or older than this version."""
    engine = make_engine(settings.service_database(name), pool=2, application="migrate")
    try:
        behind = await pending(engine, name)
    except (OSError, TimeoutError, asyncpg.PostgresError, DBAPIError) as error:
        return describe(error)
    finally:
        await engine.dispose()
    return f"not applied: {', '.join(behind)}" if behind else None


async def _introduce(settings: Settings, broker: Broker) -> None:
    """Declare all queues, write the subscribers into each owner's database, and start projections
    that were never started.
    """
    for name in SERVICES:
        async with _transactions(settings, name) as transactions, transactions() as tx:
            for projection in newest(name):
                if not await generations.of(tx, projection.name):
                    await generations.start(tx, projection, by="migrate")
    async with _connections(settings) as owners:
        past = {(name, event) for name in SERVICES for event in service(name).consumes_history}
        await introduce(broker, owners, topology(), past=past, subscribers=owners)


@asynccontextmanager
async def _connections(settings: Settings) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """A connection to each service's database."""
    async with AsyncExitStack() as stack:
        owners = {}
        for name in SERVICES:
            connection = await connect(settings.service_database(name), application="migrate")
            stack.push_async_callback(connection.close)
            owners[name] = connection
        yield owners


@asynccontextmanager
async def _transactions(settings: Settings, name: str) -> AsyncIterator[Transactions]:
    engine = make_engine(settings.service_database(name), pool=2, application="migrate")
    try:
        yield Transactions(engine, name)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _broker(settings: Settings) -> AsyncIterator[Broker]:
    broker = open_broker(settings.broker_address(), client="migrate")
    try:
        yield broker
    finally:
        await broker.close()


def newest(name: str) -> list[Projection]:
    """A service's projections, each in its newest version."""
    found = {one.name: one for one in sorted(service(name).projections, key=lambda p: p.version)}
    return list(found.values())


async def missing_past(settings: Settings, projection: Projection) -> dict[str, datetime]:
    """The owners of a projection's events whose logs do not go back to the beginning, and how far
    back they go.
    """
    async with _connections(settings) as connections:
        owners = sorted({EVENTS[type].owner for type in projection.types})
        found = {owner: await generations.log_begins(connections[owner]) for owner in owners}
    return {owner: moment for owner, moment in found.items() if moment is not None}


async def rebuild(
    settings: Settings, name: str, projection: Projection, *, by: str, switch_when_ready: bool
) -> tuple[Generation, bool]:
    """Start a new generation of a projection, which gets the past. Called again, it continues with
    the same one.
    """
    async with _transactions(settings, name) as transactions, transactions() as tx:
        generation, new = await generations.start(
            tx, projection, by=by, switch_when_ready=switch_when_ready
        )
    async with _broker(settings) as broker:
        await _introduce(settings, broker)
    return generation, new


async def drop_generations(
    settings: Settings, name: str, projection: str, *, abandon: bool = False, whole: bool = False
) -> list[Generation]:
    """Drop a projection's retired generations, the one that is being built, or all of them."""
    async with (
        _connections(settings) as owners,
        _transactions(settings, name) as transactions,
        _broker(settings) as broker,
    ):
        return await dropping.drop(
            transactions,
            name,
            projection,
            owners=owners,
            broker=broker,
            abandon=abandon,
            whole=whole,
        )
