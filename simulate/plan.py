"""The plan of a history: decisions drawn from a seed, each of which can be left out."""

import json
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any

PROCESSES = ("writer.0", "writer.1", "reader.0", "reader.1")
KEYS = ("a", "b", "c")
LABELS = {
    "writer": (
        "commit",
        "publish",
        "ack",
        "pipeline._SENT",
        "pipeline._FAILED",
        "outbox._FLUSH_ONE",
    ),
    "reader": ("commit", "ack", "inbox._ENTER", "resolution._RESOLVED", "claims._TAKE", "publish"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One action in a history: of the users, of an operator, or of the world."""

    at: float
    kind: str
    target: str = ""
    """A process, a service or a key."""
    detail: str = ""
    length: float = 0.0
    nth: int = 0
    events: tuple[tuple[str, str, str], ...] = ()
    """The events of a transaction: type, key, and what their handler will do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A history before it is run. `seed` decides the order of simultaneous actions."""

    seed: int
    broker: str
    decisions: tuple[Decision, ...] = field(default_factory=tuple)

    def dump(self) -> str:
        """The plan as JSON, which is how regressions are stored."""
        shown = {"seed": self.seed, "broker": self.broker}
        lines = [
            json.dumps({k: v for k, v in asdict(d).items() if v not in ("", 0, 0.0, ())})
            for d in self.decisions
        ]
        return f'{json.dumps(shown)[:-1]}, "decisions": [\n' + ",\n".join(lines) + "\n]}\n"

    def without(self, left_out: set[int]) -> "Plan":
        """The same plan with fewer decisions."""
        kept = [d for place, d in enumerate(self.decisions) if place not in left_out]
        return replace(self, decisions=tuple(kept))


def load(text: str) -> Plan:
    """A plan from its JSON."""
    found: dict[str, Any] = json.loads(text)
    decisions = [
        Decision(**{**d, "events": tuple(tuple(e) for e in d.get("events", ()))})
        for d in found["decisions"]
    ]
    return Plan(found["seed"], found["broker"], tuple(decisions))


def draw(seed: int, steps: int = 14, without: frozenset[str] = frozenset()) -> Plan:
    """Draw a plan of about this many decisions of each kind from a seed.

    `without` names kinds of decisions, of transactions and of handlers' behaviour to leave out.
    """
    random = Random(seed)
    broker = random.choice(("rabbitmq", "postgres"))
    span = random.choice((0.1, 0.4, 1.5))
    keys = KEYS[: random.randint(1, 3)]
    decisions = [
        _transaction(random, random.uniform(0, span), keys)
        for _ in range(random.randint(max(steps // 3, 1), steps))
    ]
    decisions += [_fault(random, span) for _ in range(random.randint(0, steps // 2))]
    decisions += _operator(random, span)
    decisions.sort(key=lambda d: d.at)
    kept = [_softened(d, without) for d in decisions if d.kind not in without]
    return Plan(seed, broker, tuple(kept))


def _softened(decision: Decision, without: frozenset[str]) -> Decision:
    events = tuple((t, k, "ok" if how in without else how) for t, k, how in decision.events)
    detail = "plain" if decision.detail in without else decision.detail
    return replace(decision, events=events, detail=detail)


HANDLINGS = (
    ("ok", 60),
    ("fail", 8),
    ("away", 3),
    ("gone", 2),
    ("caught", 4),
    ("nested", 2),
    ("dead", 3),
    ("reject", 2),
    ("later", 3),
    ("slow", 6),
    ("cancelled", 1),
)


def _transaction(random: Random, at: float, keys: tuple[str, ...]) -> Decision:
    names, weights = zip(*HANDLINGS, strict=True)
    events = [
        (
            random.choice(("moved", "renamed")),
            random.choice(keys),
            random.choices(names, weights)[0],
        )
        for _ in range(random.choice((1, 1, 1, 1, 2, 3)))
    ]
    kinds = ("plain", "slow", "savepoint", "fails")
    detail = random.choices(kinds, (70, 15, 10, 5))[0]
    target = random.choice(("writer.0", "writer.1"))
    return Decision(
        round(at, 4), "transaction", target, detail, random.random(), events=tuple(events)
    )


def _fault(random: Random, span: float) -> Decision:
    at = round(random.uniform(0, span * 1.3), 4)
    process = random.choice(PROCESSES)
    kind = random.choices(
        ("cut", "kill", "stop", "freeze", "drop", "slow", "database", "broker", "refuse"),
        (30, 14, 8, 8, 8, 8, 6, 6, 12),
    )[0]
    length = round(random.choice((0.02, 0.1, 0.4, 1.5)) * (0.5 + random.random()), 4)
    if kind == "cut":
        label = random.choice(LABELS[process.partition(".")[0]])
        when = random.choice(("before", "after"))
        nth = min(int(random.expovariate(0.25)) + 1, 40)
        return Decision(at, kind, process, f"{when} {label}", nth=nth)
    if kind in ("database", "refuse"):
        return Decision(at, kind, process.partition(".")[0], length=min(length, 3.0))
    if kind == "broker":
        return Decision(at, kind, length=min(length, 3.0))
    if kind == "drop":
        return Decision(at, kind, process, random.choice(("database", "broker")))
    return Decision(at, kind, process, length=length)


def _operator(random: Random, span: float) -> list[Decision]:
    decisions = []

    def some(most: int, kind: str, **named: Any) -> None:
        for _ in range(random.randint(0, most)):
            decisions.append(Decision(round(random.uniform(0, span * 1.2), 4), kind, **named))

    some(1, "audit")
    some(1, "replay dead", target="reader")
    some(1, "discard", target="reader")
    if random.random() < 0.4:
        some(2, "replay", target="reader", detail=random.choice(("moved", "renamed", "both")))
    if random.random() < 0.25:
        some(2, "introduce", target="archive")
    return decisions
