"""Statements of sessions: advisory locks, settings, and the lineage of the database."""

from typing import Any

from simulate.postgres.catalogue import pattern, statement
from simulate.postgres.engine import Transaction, Waits
from simulate.postgres.session import Session
from simulate.postgres.shared import insert_new, update, upsert


def _holds(session: Session, number: int) -> bool:
    return session in session.db.advisory.get(number, {})


@statement("select pg_try_advisory_lock($1)", returns="locked")
def try_lock(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Acquire a session lock if it is free."""
    return [(tx.session.try_lock(parameters[0]),)]


@statement("select pg_advisory_lock($1)", returns="locked")
def lock_for_session(tx: Transaction, parameters: Any) -> Waits:
    """Acquire a session lock, waiting for it."""
    while not tx.session.try_lock(parameters[0]):
        yield list(tx.db.advisory[parameters[0]])
    return [(None,)]


@statement("select pg_advisory_xact_lock($1)", returns="locked")
def lock_for_transaction(tx: Transaction, parameters: Any) -> Waits:
    """Acquire a lock until the end of the transaction."""
    while not tx.session.try_lock(parameters[0]):
        yield list(tx.db.advisory[parameters[0]])
    tx.advisory.append(parameters[0])
    return [(None,)]


@statement("select pg_advisory_unlock($1)", returns="unlocked")
def unlock(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Release a session lock."""
    return [(tx.session.unlock(parameters[0]),)]


@pattern(r"select set_config\('hirewire\.session', '(\w+)', false\)", returns="set_config")
def name_session(tx: Transaction, groups: Any) -> list[tuple[str]]:
    """Name the session."""
    tx.session.settings["hirewire.session"] = groups[0]
    return [(groups[0],)]


@pattern(r"set idle_session_timeout = '(\d+)ms'")
def end_when_idle(tx: Transaction, groups: Any) -> int:
    """The server ends an idle session."""
    tx.session.end_when_idle(int(groups[0]) / 1000)
    return 0


@pattern(r"set idle_in_transaction_session_timeout = '(\d+)ms'")
def end_when_idle_in_transaction(tx: Transaction, groups: Any) -> int:
    """The server ends a session that is idle in a transaction: no lock holder has one here."""
    return 0


@statement("locks._END_SILENT_HOLDER")
def end_silent_holder(tx: Transaction, parameters: Any) -> int:
    """End a lock holder frozen in the middle of a statement: here a statement is one step."""
    return 0


@pattern(r"select from \(select 1\) as one where pg_backend_pid\(\) = (\d+)", returns="none")
def is_process(tx: Transaction, groups: Any) -> list[tuple[None]]:
    """Returns a row if this is the process that the client connected to."""
    return [(None,)] if tx.session.pid == int(groups[0]) else []


@statement("locks._TRY_LOCK", returns="locked")
def try_lock_once(tx: Transaction, parameters: Any) -> list[tuple[bool | None]]:
    """Acquire a session lock if it is free; null if the session is shared with another client."""
    number, token = parameters
    if tx.session.settings.get("hirewire.session") != token or _holds(tx.session, number):
        return [(None,)]
    return [(tx.session.try_lock(number),)]


@statement("locks._CHECK", returns="mine")
def check(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Whether the session still belongs to this client."""
    return [(tx.session.settings.get("hirewire.session") == parameters[0],)]


@statement("locks._CHECK_LOCK", returns="mine")
def check_lock(tx: Transaction, parameters: Any) -> list[tuple[bool]]:
    """Whether it does, and holds the lock."""
    number, token = parameters
    mine = tx.session.settings.get("hirewire.session") == token
    return [(mine and _holds(tx.session, number),)]


@statement("select pg_is_in_recovery()", returns="is")
def is_standby(tx: Transaction, _: Any) -> list[tuple[bool]]:
    """No database here is a standby."""
    return [(False,)]


LINEAGE = {"system_id": "1", "database_id": "1", "table_id": "1", "timeline": "00000001"}
"""The only lineage of a database here."""


def first_epoch() -> dict[str, Any]:
    """What `migrate` has noted about a database."""
    return {"epoch": 0, **LINEAGE, "since": 0.0, "why": "first look"}


@statement("lineage._CURRENT", returns="epoch system_id database_id table_id timeline")
def current_lineage(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """The newest epoch."""
    rows = sorted((v for _, v in tx.see("lineage")), key=lambda v: -v["epoch"])
    return [(v["epoch"], *(v[name] for name in LINEAGE)) for v in rows[:1]]


@statement("select * from messaging.identity()", returns="system_id database_id table_id timeline")
def identity(tx: Transaction, _: Any) -> list[tuple[Any, ...]]:
    """What distinguishes a database from a copy of it."""
    return [tuple(LINEAGE.values())]


def epoch_of(tx: Transaction) -> int:
    """The current epoch."""
    return max((v["epoch"] for _, v in tx.see("lineage")), default=0)


@statement("select (select coalesce(max(epoch), 0) from messaging.lineage)", returns="epoch")
def current_epoch(tx: Transaction, _: Any) -> list[tuple[int]]:
    """The current epoch."""
    return [(epoch_of(tx),)]


@statement("handlers._REGISTER")
def register(tx: Transaction, parameters: Any) -> Waits:
    """Register handlers that are new in a queue."""
    queue, names = parameters
    known = [v for _, v in tx.see("handler")]
    count = 0
    for name in names:
        since = None
        if not any(v["queue"] == queue for v in known):
            since = max((v["since"] for v in known if v["name"] == name), default=None)
        new = {"queue": queue, "name": name, "since": tx.db.clock() if since is None else since}
        count += yield from insert_new(tx, "handler", (queue, name), new)
    return count


@statement("handlers._LEFT")
def left(tx: Transaction, parameters: Any) -> Waits:
    """Handlers that are no longer there."""
    queue, names = parameters
    gone = yield from update(
        tx, "handler", lambda v: v["queue"] == queue and v["name"] not in names, lambda _: None
    )
    return len(gone)


@statement("lineage._ADOPT")
def adopt(tx: Transaction, parameters: Any) -> Waits:
    """Note the identity as this epoch's."""
    epoch, why = parameters
    new = {"epoch": epoch, **LINEAGE, "since": tx.db.clock(), "why": why}
    yield from upsert(tx, "lineage", epoch, new, lambda _: dict(LINEAGE))
    return 1
