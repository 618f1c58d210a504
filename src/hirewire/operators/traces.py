"""Causal traces: their events as a tree, with the times between them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from rich.markup import escape
from rich.tree import Tree

from hirewire.messaging.reconciliation.audit import Consumption, TracedEvent
from hirewire.operators.client import Operators


@dataclass
class Node:
    """An event with its publisher, its consumers and the events that it caused."""

    service: str
    event: TracedEvent
    consumed: list[tuple[str, Consumption]] = field(default_factory=list)
    caused: list["Node"] = field(default_factory=list)


async def gather(operators: Operators, what: str, since: UUID) -> list[Node]:
    """The root events of the causal traces that contain an id, oldest first.

    The id may be that of an event, a user, a resume or a request.
    """
    services = operators.services
    ids_by_service = await asyncio.gather(
        *(operators.about(name, what, since) for name in services)
    )
    correlations = sorted({id for ids in ids_by_service for id in ids})
    if not correlations:
        return []
    answers = await asyncio.gather(
        *(operators.trace(name, correlations, since) for name in services)
    )
    nodes = {
        event.id: Node(name, event)
        for name, events in zip(services, answers, strict=True)
        for event in events
    }
    await _add_consumptions(operators, nodes)
    roots = _link(nodes)
    return sorted(roots, key=lambda node: node.event.recorded_at)


async def _add_consumptions(operators: Operators, nodes: dict[UUID, Node]) -> None:
    ids = list(nodes)
    for start in range(0, len(ids), 5000):
        some = ids[start : start + 5000]
        answers = await asyncio.gather(
            *(operators.consumptions(s, some) for s in operators.services)
        )
        for name, consumed in zip(operators.services, answers, strict=True):
            for consumption in consumed:
                nodes[consumption.event_id].consumed.append((name, consumption))


def _link(nodes: dict[UUID, Node]) -> list[Node]:
    roots: list[Node] = []
    for node in sorted(nodes.values(), key=lambda node: node.event.recorded_at):
        cause = _uuid(node.event.causation_id)
        parent = nodes.get(cause) if cause is not None and cause != node.event.id else None
        (parent.caused if parent is not None else roots).append(node)
    return roots


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def draw(roots: Sequence[Node], what: str) -> Tree:
    """Draw causal traces for a terminal, with a branch for each request and its events."""
    tree = Tree(f"[bold]{escape(what)}[/]", guide_style="dim")
    branches: dict[str, Tree] = {}
    for root in roots:
        correlation = root.event.correlation_id
        if correlation not in branches:
            start = root.event.recorded_at.isoformat(sep=" ", timespec="milliseconds")
            name = "message" if correlation == str(root.event.id) else "request"
            branches[correlation] = tree.add(f"{start[:23]}  {name} {escape(correlation)}")
        _draw(root, branches[correlation], since=None)
    return tree


def _draw(node: Node, tree: Tree, since: datetime | None) -> None:
    event = node.event
    after = f"  {_between(since, event.recorded_at)}" if since is not None else ""
    branch = tree.add(
        f"[cyan]{node.service}[/] records [bold]{event.type}[/] "
        f"{escape(event.key)} #{event.sequence}{after}"
    )
    drawn: set[UUID] = set()
    for service, consumed in node.consumed:
        moment = consumed.settled_at or consumed.heard_at
        state = consumed.state or "handled"
        late = ", late" if consumed.late else ""
        line = branch.add(
            f"[green]{service}[/] {state} by {consumed.subscription}{late}"
            f"  {_between(event.recorded_at, moment)}"
        )
        for caused in node.caused:
            if caused.service == service and caused.event.id not in drawn:
                drawn.add(caused.event.id)
                _draw(caused, line, since=moment)
    for caused in node.caused:
        if caused.event.id not in drawn:
            _draw(caused, branch, since=event.recorded_at)


def _between(start: datetime, end: datetime) -> str:
    seconds = (end - start).total_seconds()
    if abs(seconds) < 10:
        return f"[dim]{seconds * 1000:+.1f} ms[/]"
    return f"[dim]{seconds:+,.1f} s[/]"
