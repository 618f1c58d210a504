"""The core's modules by their short names, wherever they are in its packages."""

from functools import lru_cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import hirewire.messaging

LEFT_OUT = ("hirewire.messaging.brokers", "hirewire.messaging.migrations")


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """The full names of the modules by their last parts, without brokers and migrations."""
    found = [m.name for m in walk_packages(hirewire.messaging.__path__, "hirewire.messaging.")]
    return {name.rpartition(".")[2]: name for name in found if not name.startswith(LEFT_OUT)}


def module(name: str) -> ModuleType | None:
    """A module of the core; None if this version has none of that name."""
    return import_module(names()[name]) if name in names() else None


def modules() -> list[ModuleType]:
    """All modules that run in a service."""
    return [import_module(full) for name, full in names().items() if name != "testing"]
