"""The description of a service that is available before its code is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

Need = Literal["database", "search_dir", "secret_key"]


@dataclass(frozen=True)
class Manifest:
    """A service's name, port, needs and paths, and where its code is.

    Each service has one in its package, in `manifest.py`; `assembly.MANIFESTS` lists them.
    """

    name: str
    """Also the name of its package, its database (`<prefix>_<name>`) and its broker user."""
    port: int
    """The default of `HIREWIRE_<NAME>_PORT`."""
    app: str
    """`module:attribute` of its `Service` or `Gateway`; imported only by a process that runs it."""
    needs: frozenset[Need] = frozenset({"database"})
    """Resources that `hirewire run` provides; `search_dir` is a folder for search indexes,
    `secret_key` encrypts what must not stand readable in its database."""
    paths: Sequence[str] = ()
    """The public paths that the gateway forwards to it, each one segment below `/` or `/api/`."""
    is_public: bool = False
    """Whether clients connect to it directly. True for the gateway only."""

    @property
    def has_database(self) -> bool:
        """Whether it owns data, and publishes and consumes events."""
        return "database" in self.needs

    def load(self) -> Any:
        """Import the service and return what `app` names."""
        module, _, attribute = self.app.partition(":")
        return getattr(import_module(module), attribute)
