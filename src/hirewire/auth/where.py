"""Where a request comes from, as far as it is stored."""

from dataclasses import dataclass

from fastapi import Request

from hirewire.auth import networks
from hirewire.kit.devices import device


@dataclass(frozen=True, slots=True)
class Where:
    """What a person recognises a sign-in by."""

    device: str | None = None
    """Browser and system."""
    network: str | None = None
    """Coarse: IPv4 /24 or IPv6 /48."""


def network_of(request: Request) -> str:
    """The network of a request, by which limits are counted."""
    return networks.network(request.client.host if request.client else "")


def where_of(request: Request) -> Where:
    """Where a request comes from."""
    address = request.client.host if request.client else ""
    return Where(device(request.headers.get("user-agent", "")), networks.coarse(address))
