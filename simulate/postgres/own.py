"""Statements of the simulation itself: those of its transactions and handlers."""

from typing import Any

from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Waits

MADE = "insert into sim.made (id, key, type) values ($1, $2, $3)"
"""Written next to each recorded event: proof of what was committed."""
EFFECT = (
    "insert into sim.effect (event_id, subscription, key, sequence, late) "
    "values ($1, $2, $3, $4, $5)"
)
ONLY = "insert into sim.only (id) values (1)"
"""Always a unique violation."""


@statement(MADE)
def made(tx: Transaction, parameters: Any) -> Waits:
    """The business row of an event."""
    id, key, type = parameters
    yield from tx.insert("made", id, {"id": id, "key": key, "type": type})
    return 1


@statement(EFFECT)
def effect(tx: Transaction, parameters: Any) -> Waits:
    """Write an effect; a second one is stored as well."""
    names = ("event_id", "subscription", "key", "sequence", "late")
    yield from tx.insert(
        "effect", tx.db.nextval("effect"), dict(zip(names, parameters, strict=True))
    )
    return 1


@statement(ONLY)
def only(tx: Transaction, _: Any) -> Waits:
    """Insert a row that already exists."""
    yield from tx.insert("only", 1, {"id": 1})
    return 1
