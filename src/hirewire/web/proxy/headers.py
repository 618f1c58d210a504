"""Rules for the headers that the proxy forwards and adds. Pure functions."""

from collections.abc import Iterable, MutableMapping
from typing import Any

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that are not forwarded (RFC 9110, 7.6.1). All `Proxy-…` headers and those that
`Connection` names are added to these.
"""
REPLACED = frozenset(
    {b"host", b"expect", b"via", b"x-request-id"}
    | {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"}
)
OWN_ANSWER = frozenset({b"date", b"x-request-id", b"x-content-type-options"})
"""Headers that this server sets itself; those of the services would be duplicates."""


def request_headers(scope: MutableMapping[str, Any], *, host: bytes, request_id: bytes) -> Headers:
    """The headers for the service, except the length of the body.

    They contain a single client address, determined by `kit.addresses`.
    """
    given: Headers = scope["headers"]
    dropped = named_by_connection(given) | {b"content-length"}
    passed: Headers = [(b"host", host)]
    passed += [
        (name, value)
        for name, value in given
        if name not in HOP_BY_HOP
        and name not in REPLACED
        and name not in dropped
        and not name.startswith(b"proxy-")
    ]
    passed += _forwarded(scope, given)
    passed.append((b"x-request-id", request_id))
    passed.append((b"via", _via(given, scope["http_version"])))
    return passed


def answer_headers(given: Iterable[tuple[bytes, bytes]], *, base: bytes) -> Headers:
    """The headers for the client.

    A `Location` under the service's own address `base` is rewritten to the public origin.
    """
    given = list(given)
    dropped = named_by_connection(given)
    passed = [
        (name, _public(value, base) if name == b"location" else value)
        for name, value in given
        if name not in HOP_BY_HOP
        and name not in OWN_ANSWER
        and name not in dropped
        and name != b"via"
        and not name.startswith(b"proxy-")
    ]
    passed.append((b"via", _via(given, "1.1")))
    return passed


def named_by_connection(given: Headers) -> frozenset[bytes]:
    """The header names that `Connection` lists."""
    return frozenset(
        part.strip().lower()
        for name, value in given
        if name == b"connection"
        for part in value.split(b",")
    )


def _via(given: Headers, http_version: str) -> bytes:
    before = [value for name, value in given if name == b"via"]
    return b", ".join([*before, f"{http_version} hirewire".encode()])


def _forwarded(scope: MutableMapping[str, Any], given: Headers) -> Headers:
    added = [(b"x-forwarded-proto", scope["scheme"].encode())]
    if scope.get("client"):
        added.append((b"x-forwarded-for", scope["client"][0].encode()))
    hosts = [value for name, value in given if name == b"host"]
    if hosts:
        added.append((b"x-forwarded-host", hosts[-1]))
    return added


def _public(location: bytes, base: bytes) -> bytes:
    if location.startswith(base) and location[len(base) :][:1] in (b"", b"/", b"?", b"#"):
        return location[len(base) :] or b"/"
    return location
