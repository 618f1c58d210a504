"""The only module that knows all services. It imports a service's code when it is asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from hirewire.auth.manifest import MANIFEST as AUTH
from hirewire.kit import environment
from hirewire.kit.settings import Settings, SettingsError, settings_for
from hirewire.notifications.manifest import MANIFEST as NOTIFICATIONS
from hirewire.profiles.manifest import MANIFEST as PROFILES
from hirewire.vacancies.manifest import MANIFEST as VACANCIES
from hirewire.web.manifest import MANIFEST as WEB

if TYPE_CHECKING:
    from fastapi import FastAPI

    from hirewire.kit.service import Gateway, Service
    from hirewire.messaging.broker import QueueTopology
    from hirewire.messaging.runtime import Role

MANIFESTS = (AUTH, PROFILES, VACANCIES, NOTIFICATIONS, WEB)
"""All services, in the order in which they are started."""
PROCESSES = tuple(manifest.name for manifest in MANIFESTS)
SERVICES = tuple(manifest.name for manifest in MANIFESTS if manifest.has_database)
"""Those with a database and events of their own."""
PlatformSettings = settings_for(MANIFESTS)


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of the platform and of all its services. Raises as `kit.environment` does."""
    return environment.load_settings(environ, PlatformSettings, **given)


def service(name: str) -> Service:
    """A service's declaration. Imports that service only: each process stays as small as it can."""
    if name not in SERVICES:
        raise ValueError(f"no service {name!r}: one of {', '.join(SERVICES)}")
    found: Service = _loaded(name)
    return found


def gateways() -> list[Gateway]:
    """The declarations of those that own no data."""
    return [_loaded(name) for name in PROCESSES if name not in SERVICES]


def _loaded(name: str) -> Any:
    return next(manifest for manifest in MANIFESTS if manifest.name == name).load()


def load_contracts() -> None:
    """Load all published events: in which topic one is, on Kafka, depends on its owner.

    A service that publishes nothing has no module there.
    """
    from hirewire import contracts

    for module in iter_modules(contracts.__path__):
        import_module(f"hirewire.contracts.{module.name}")


def load(name: str, broker: str | None = None) -> None:
    """Import what a process of this name runs, with this broker, and connect to nothing."""
    _loaded(name)
    if broker:
        import_module(f"hirewire.messaging.brokers.{broker}")
    import_module("hirewire.launcher.serving")


def application(name: str, settings: Settings, role: Role = "all") -> FastAPI:
    """The ASGI application of a service or gateway."""
    from hirewire.kit.service import create_app

    if name not in SERVICES:
        load_contracts()
        gateway: Gateway = _loaded(name)
        return gateway.create(settings)
    plain_topology(settings)
    for prepare in service(name).prepare:
        prepare(settings)
    return create_app(service(name), settings, role=role, services=frozenset(SERVICES))


def topology() -> list[QueueTopology]:
    """The queue of each service that consumes events, and what is bound to it."""
    from hirewire.messaging.broker import QueueTopology, queue_of

    services = [service(name) for name in SERVICES]
    return [QueueTopology(queue_of(one.name), one.consumes) for one in services if one.consumes]


def subscribers() -> dict[str, list[str]]:
    """The services that consume each event."""
    services = [service(name) for name in SERVICES]
    consumed = {event for one in services for event in one.consumes}
    return {
        event: [one.name for one in services if event in one.consumes] for event in sorted(consumed)
    }


def plain_topology(settings: Settings) -> list[QueueTopology]:
    """Plain queues of external services: those we publish to, bound, and those we consume.

    Raises `SettingsError` for an event that is not one, or that more than one service would
    consume from one queue.
    """
    from hirewire.messaging.broker import QueueTopology, broker_at

    setting = "HIREWIRE_RABBITMQ_PLAIN_QUEUES"
    known = {event.name for name in SERVICES for event in service(name).publishes}
    for name, way in settings.rabbitmq_plain_queues.items():
        if name not in known:
            raise SettingsError(f"{setting}: no event {name!r}")
        consumers = [one for one in SERVICES if name in service(one).consumes_plain]
        if way == "in" and len(consumers) != 1:
            who = " and ".join(consumers) or "nobody"
            raise SettingsError(f"{setting}: {name}=in is consumed by {who}; it takes one service")
    if settings.rabbitmq_plain_queues and broker_at(settings.broker_address()) != "rabbitmq":
        raise SettingsError(f"{setting} needs RabbitMQ (HIREWIRE_BROKER_URL=amqp://…)")
    return [
        QueueTopology(name, (name,) if way == "out" else (), plain=True)
        for name, way in settings.rabbitmq_plain_queues.items()
    ]
