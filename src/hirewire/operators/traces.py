"""What caused what: the events of a story as a tree, with the times between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from rich.markup import escape
from rich.tree import Tree

from hirewire.messaging.audit import Heard, Told
from hirewire.operators.client import Operators


@dataclass
class Node:
    """An event: who recorded it, who has heard it, what that led to."""

    service: str
    told: Told
    heard: list[tuple[str, Heard]] = field(default_factory=list)
    caused: list["Node"] = field(default_factory=list)


async def gather(operators: Operators, what: str, since: UUID) -> list[Node]:
    """The stories in which an id occurs (an event, a user, a resume, a request), each as the events
    that began it; oldest first.
    """
    services = operators.services
    found = await asyncio.gather(*(operators.about(name, what, since) for name in services))
    correlations = sorted({one for some in found for one in some})
    if not correlations:
        return []
    stories = await asyncio.gather(
        *(operators.story(name, correlations, since) for name in services)
    )
    nodes = {
        told.id: Node(name, told)
        for name, events in zip(services, stories, strict=True)
        for told in events
    }
    await _add_hearers(operators, nodes)
    roots = _link(nodes)
    return sorted(roots, key=lambda node: node.told.recorded_at)


async def _add_hearers(operators: Operators, nodes: dict[UUID, Node]) -> None:
    ids = list(nodes)
    for start in range(0, len(ids), 5000):
        some = ids[start : start + 5000]
        answers = await asyncio.gather(*(operators.heard(s, some) for s in operators.services))
        for name, heard in zip(operators.services, answers, strict=True):
            for one in heard:
                nodes[one.event_id].heard.append((name, one))


def _link(nodes: dict[UUID, Node]) -> list[Node]:
    roots: list[Node] = []
    for node in sorted(nodes.values(), key=lambda node: node.told.recorded_at):
        cause = _uuid(node.told.causation_id)
        parent = nodes.get(cause) if cause is not None and cause != node.told.id else None
        (parent.caused if parent is not None else roots).append(node)
    return roots


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def draw(roots: Sequence[Node], what: str) -> Tree:
    """The stories for a terminal: one branch a request, with everything that followed from it."""
    tree = Tree(f"[bold]{escape(what)}[/]", guide_style="dim")
    branches: dict[str, Tree] = {}
    for root in roots:
        correlation = root.told.correlation_id
        if correlation not in branches:
            start = root.told.recorded_at.isoformat(sep=" ", timespec="milliseconds")
            name = "message" if correlation == str(root.told.id) else "request"
            branches[correlation] = tree.add(f"{start[:23]}  {name} {escape(correlation)}")
        _draw(root, branches[correlation], since=None)
    return tree


def _draw(node: Node, tree: Tree, since: datetime | None) -> None:
    told = node.told
    after = f"  {_between(since, told.recorded_at)}" if since is not None else ""
    branch = tree.add(
        f"[cyan]{node.service}[/] records [bold]{told.type}[/] "
        f"{escape(told.key)} #{told.sequence}{after}"
    )
    drawn: set[UUID] = set()
    for service, heard in node.heard:
        moment = heard.settled_at or heard.heard_at
        state = heard.state or "handled"
        late = ", late" if heard.late else ""
        line = branch.add(
            f"[green]{service}[/] {state} by {heard.subscription}{late}"
            f"  {_between(told.recorded_at, moment)}"
        )
        for caused in node.caused:
            if caused.service == service and caused.told.id not in drawn:
                drawn.add(caused.told.id)
                _draw(caused, line, since=moment)
    for caused in node.caused:
        if caused.told.id not in drawn:
            _draw(caused, branch, since=told.recorded_at)


def _between(start: datetime, end: datetime) -> str:
    seconds = (end - start).total_seconds()
    if abs(seconds) < 10:
        return f"[dim]{seconds * 1000:+.1f} ms[/]"
    return f"[dim]{seconds:+,.1f} s[/]"
