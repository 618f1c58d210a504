"""The judge: compares what was committed with what took effect and what the audit reports."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hirewire.operators.auditing import Report
from simulate.services import MAY_DIE, OWNERS, subscriptions_of
from simulate.world import World

CLOSED = ("dead", "discarded", "waiting")


@dataclass(frozen=True, slots=True)
class Fault:
    """One violation of a promise."""

    kind: str
    about: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}"


def judge(world: World, services: Iterable[str]) -> list[Fault]:
    """All violations, once everything is at rest."""
    found: list[Fault] = []
    for service in services:
        for subscription in subscriptions_of(service):
            found += _judge_subscription(
                world,
                service,
                subscription.name,
                subscription.event.name,
                ordered=subscription.behind_failed == "wait",
            )
    return found


def _judge_subscription(
    world: World, service: str, name: str, type: str, *, ordered: bool
) -> list[Fault]:
    made = [row for row in world.database(OWNERS[type]).watched["made"] if row["type"] == type]
    db = world.database(service)
    known = {row["id"] for row in made}
    effects = [row for row in db.watched["effect"] if row["subscription"] == name]
    closed = {
        row["event_id"]: row
        for row in db.tables["open_message"].committed()
        if row["subscription"] in (name, "(unreadable)")
        and row["state"] in CLOSED
        and row["closing"] is None
    }
    found = []
    counts = Counter(row["event_id"] for row in effects)
    for id, count in counts.items():
        if id not in known:
            found.append(Fault("invented", f"{name} {_short(id)} was never committed"))
        elif count > 1:
            found.append(Fault("duplicated", f"{name} {_short(id)} took effect {count} times"))
        elif id in closed:
            state = closed[id]["state"]
            found.append(Fault("duplicated", f"{name} {_short(id)} took effect and is {state}"))
    for row in made:
        if row["id"] not in counts and row["id"] not in closed:
            found.append(Fault("lost", f"{name} {row['key']} {_short(row['id'])}"))
    found += _judge_deaths(world, name, closed.values())
    place = {row["id"]: nth for nth, row in enumerate(made)}
    if ordered:
        found += _judge_order(name, place, effects, closed)
    else:
        found += _judge_lateness(name, place, effects)
    return found


def _judge_lateness(
    name: str, place: dict[UUID, int], effects: list[dict[str, Any]]
) -> list[Fault]:
    """Where later events may pass, an event that comes after a later one must be marked as late."""
    found = []
    last: dict[str, int] = {}
    for row in effects:
        nth = place.get(row["event_id"], -1)
        if 0 <= nth < last.get(row["key"], -1) and not row["late"]:
            about = f"{name} {row['key']} {_short(row['event_id'])} was not marked as it was late"
            found.append(Fault("unmarked", about))
        last[row["key"]] = max(nth, last.get(row["key"], -1))
    return found


def _judge_order(
    name: str,
    place: dict[UUID, int],
    effects: list[dict[str, Any]],
    closed: dict[UUID, dict[str, Any]],
) -> list[Fault]:
    found = []
    last: dict[str, int] = {}
    for row in effects:
        nth = place.get(row["event_id"], -1)
        if nth >= 0 and nth < last.get(row["key"], -1):
            about = f"{name} {row['key']} {_short(row['event_id'])} came after a later one"
            found.append(Fault("reordered", about))
        last[row["key"]] = max(nth, last.get(row["key"], -1))
        if row["late"]:
            found.append(Fault("late", f"{name} {row['key']} {_short(row['event_id'])}"))
    for id, row in closed.items():
        # Nothing may overtake a dead message or one that waits behind it.
        if row["state"] == "discarded" or row["subscription"] != name:
            continue
        if place.get(id, 1 << 30) < last.get(row["key"], -1):
            found.append(Fault("passed", f"{name} {row['key']} {_short(id)} {row['state']}"))
    return found


def _judge_deaths(world: World, name: str, closed: Iterable[dict[str, Any]]) -> list[Fault]:
    found = []
    for row in closed:
        if row["state"] != "dead":
            continue
        handling = "ok"
        for known in MAY_DIE:
            if f'"handling":"{known}"'.encode() in row["body"]:
                handling = known
        if handling == "ok" and (name, row["event_id"]) not in world.killed:
            about = f"{name} {row['key']} {_short(row['event_id'])}: {row['error']}"
            found.append(Fault("dead-lettered", about))
    return found


def judge_report(at: float, report: Report, *, last: bool) -> list[Fault]:
    """An audit never reports an event as missing that is not; the last audit is complete."""
    found = []
    for owner, subscriber, line in report.lines():
        for id in line.missing:
            found.append(Fault("said missing", f"{owner} to {subscriber} {_short(id)} at {at:.3f}"))
        for one in line.phantoms:
            found.append(Fault("said phantom", f"{owner} to {subscriber} {_short(one.id)}"))
    if last and not report.clean:
        said = "; ".join(report.problems) or "it does not add up"
        found.append(Fault("audit", f"never clean: {said}"))
    return found


def _short(id: UUID) -> str:
    return str(id)[-12:]
