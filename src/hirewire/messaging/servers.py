"""Connections to a database server, or to the primary among several.

An address may name several servers, as libpq's may: a primary and its standbys. The primary is then
found by asking all of them at once. If two say that they are the primary, one of them is the old
one that has come back: the newer timeline counts, and a process never goes back to an older one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL

from hirewire.messaging.addresses import servers_of

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 3.0
"""How long one of several servers may take to accept a connection."""
_TIMELINE = """
select ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint
"""

_found: dict[URL, tuple[URL, int]] = {}
"""The primary of each address with several servers, and its timeline."""


class Options(TypedDict, total=False):
    """asyncpg's options that are passed on."""

    connection_class: type[asyncpg.Connection]
    server_settings: dict[str, str]
    statement_cache_size: int


class NoPrimary(asyncpg.InterfaceError):
    """None of several servers is a primary of the newest known timeline."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    connection: asyncpg.Connection
    server: URL
    timeline: int


async def open_connection(url: str, **options: Any) -> asyncpg.Connection:
    """A connection to the server, or to the primary of several servers.

    `options` are asyncpg's; those that repeat the address are ignored. Raises the error of the only
    server, or `NoPrimary`.
    """
    given = cast(Options, {k: v for k, v in options.items() if k in Options.__annotations__})
    servers = servers_of(url)
    if len(servers) == 1:
        return await _open(servers[0], CONNECT_SECONDS, given)
    key = make_url(url).set(drivername="postgresql", database=None)
    return await _open_known(key, servers, given) or await _open_newest(key, servers, given)


async def _open_known(
    key: URL, servers: Sequence[URL], options: Options
) -> asyncpg.Connection | None:
    """A connection to the server that was the primary last; None if it is not any more."""
    known, newest = _found.get(key, (None, 0))
    if known is None:
        return None
    server = next(
        (one for one in servers if (one.host, one.port) == (known.host, known.port)), None
    )
    found = server and await _candidate(server, options)
    if isinstance(found, _Candidate):
        if found.timeline >= newest:
            _found[key] = (found.server, found.timeline)
            return found.connection
        found.connection.terminate()
    return None


async def _open_newest(key: URL, servers: Sequence[URL], options: Options) -> asyncpg.Connection:
    answers = await asyncio.gather(*(_candidate(one, options) for one in servers))
    found = [one for one in answers if isinstance(one, _Candidate)]
    newest = _found.get(key, (None, 0))[1]
    best = max(found, key=lambda one: one.timeline, default=None)
    chosen = best if best is not None and best.timeline >= newest else None
    for one in found:
        if one is not chosen:
            one.connection.terminate()
    if chosen is None:
        said = "; ".join(
            f"{server.host}:{server.port} "
            + (f"is on the old timeline {one.timeline}" if isinstance(one, _Candidate) else one)
            for server, one in zip(servers, answers, strict=True)
        )
        raise NoPrimary(f"no primary among the database servers: {said}")
    _found[key] = (chosen.server, chosen.timeline)
    return chosen.connection


async def _candidate(server: URL, options: Options) -> _Candidate | str:
    """A connection to a server that accepts writes, or why there is none."""
    try:
        connection = await _open(server, ANSWER_SECONDS, options)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"{type(error).__name__} {error}".strip()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            if await connection.fetchval("select pg_is_in_recovery()"):
                connection.terminate()
                return "is a standby"
            return _Candidate(connection, server, await connection.fetchval(_TIMELINE))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        connection.terminate()
        return f"{type(error).__name__} {error}".strip()
    except BaseException:
        connection.terminate()
        raise


async def _open(server: URL, seconds: float, options: Options) -> asyncpg.Connection:
    text = server.render_as_string(hide_password=False)
    return await asyncpg.connect(text, timeout=seconds, **options)
