"""Random scripts of the core's statements, for both the model and a real PostgreSQL."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from simulate.postgres.catalogue import NAMED, constant

IDS = [UUID(int=(0x019B76DAA800 + n) << 80 | 7 << 76 | 2 << 62 | n) for n in range(1, 9)]
KEYS = ("a", "b")
NAMES = ("one", "two")
TYPES = ("t.moved", "t.renamed")
SOURCE = "/hirewire/writer"
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Step:
    """One action of a session: a statement, or the end of its transaction."""

    session: int
    name: str
    parameters: tuple[Any, ...] = ()
    keep: str = ""
    """The name under which its result is kept, for later parameters `Kept`."""


@dataclass(frozen=True)
class Kept:
    """A parameter from an earlier result."""

    name: str


Draw = Callable[[Random], tuple[Any, ...]]
CASES: dict[str, Draw] = {}


def case(name: str) -> Callable[[Draw], Draw]:
    def enter(draw: Draw) -> Draw:
        CASES[name] = draw
        return draw

    return enter


def text_of(name: str) -> str:
    """The SQL of a statement by its name in the catalogue."""
    return constant(name) or next(s.name for n, s in NAMED.items() if n == name)


def _event(r: Random) -> tuple[Any, ...]:
    version = r.choice((None, 2))
    return (r.choice(IDS), r.choice(TYPES), r.choice(KEYS), '{"n":1}', "c", None, None, version)


def _units(r: Random) -> list[tuple[UUID, str, str]]:
    invocations = {(r.choice(IDS), r.choice(NAMES)): r.choice(KEYS) for _ in range(r.randint(1, 3))}
    return [(id, name, key) for (id, name), key in invocations.items()]


def _key_states(r: Random) -> tuple[list[Any], ...]:
    ordering_keys = {
        (r.choice(NAMES), SOURCE, r.choice(KEYS)): r.choice((None, 1, 2, 3)) for _ in "12"
    }
    return (*(list(c) for c in zip(*ordering_keys, strict=True)), list(ordering_keys.values()))


def _key_state(r: Random) -> tuple[str, str, str]:
    return (r.choice(NAMES), SOURCE, r.choice(KEYS))


def _unit(r: Random) -> tuple[UUID, str]:
    return (r.choice(IDS), r.choice(NAMES))


@case("outbox._FLUSH_ONE")
def _(r: Random) -> tuple[Any, ...]:
    return _event(r)


@case("outbox._FLUSH")
def _(r: Random) -> tuple[Any, ...]:
    events = {e[0]: e for e in (_event(r) for _ in range(3))}.values()
    return tuple(list(column) for column in zip(*events, strict=True))


@case("pipeline._UNSENT")
def _(r: Random) -> tuple[Any, ...]:
    in_hand = r.sample(range(1, 9), r.randint(0, 3))
    return (r.randint(1, 5), in_hand, r.choice(([], ["a"])), r.choice((1, 10, 1000)))


@case("pipeline._SENT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.sample(range(1, 9), 2),)


@case("pipeline._FAILED")
def _(r: Random) -> tuple[Any, ...]:
    return (r.sample(range(1, 9), 2), ["refused", "returned"])


@case("locks._TRY_LOCK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice((4, 5)), "nobody")


@case("locks._END_SILENT_HOLDER")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice((4, 5)), 3600.0)


@case("locks._CHECK")
def _(r: Random) -> tuple[Any, ...]:
    return ("nobody",)


@case("locks._CHECK_LOCK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice((4, 5)), "nobody")


@case("handlers._REGISTER")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(("q", "p")), sorted(r.sample(NAMES, r.randint(1, 2))))


@case("handlers._LEFT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(("q", "p")), [r.choice(NAMES)])


@case("inbox._ENTER")
def _(r: Random) -> tuple[Any, ...]:
    invocations = _units(r)
    ordering_keys: dict[tuple[str, str, str], int | None] = {}
    for _id, name, key in invocations:
        ordering_keys[name, SOURCE, key] = r.choice((None, 1, 2, 3))
    columns = [list(column) for column in zip(*ordering_keys, strict=True)]
    ids, names = (
        [invocation[0] for invocation in invocations],
        [invocation[1] for invocation in invocations],
    )
    origins = [r.choice((None, "x")) for _ in invocations]
    return (ids, names, *columns, list(ordering_keys.values()), len(invocations), origins)


@case("inbox._ADVANCE")
def _(r: Random) -> tuple[Any, ...]:
    return _key_states(r)


@case("inbox._PARK")
def _(r: Random) -> tuple[Any, ...]:
    rows = [
        (i, n, TYPES[0], SOURCE, k, 1, b"{}", '{"x":"y"}', r.random() < 0.5)
        for i, n, k in _units(r)
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))


@case("inbox._HOLD_BACK")
def _(r: Random) -> tuple[Any, ...]:
    names, sources, keys, sequences = _key_states(r)
    return (names, sources, keys, [r.randint(1, 2) for _ in names], sequences)


@case("inbox._MARK_LATE")
def _(r: Random) -> tuple[Any, ...]:
    invocations = _units(r)
    return (
        [invocation[0] for invocation in invocations],
        [invocation[1] for invocation in invocations],
    )


@case("unresolved._OPEN")
def _(r: Random) -> tuple[Any, ...]:
    state, delay = r.choice((("dead", None), ("retrying", 0.0), ("retrying", 3600.0)))
    rest = (SOURCE, r.choice(KEYS), 1, b"{}", '{"x":"y"}', 1, delay, "Boom", "[]")
    return (*_unit(r), state, r.choice(TYPES), *rest)


@case("inbox._OPEN_KEY")
def _(r: Random) -> tuple[Any, ...]:
    return _key_state(r)


@case("inbox._CHAINED")
def _(r: Random) -> tuple[Any, ...]:
    return _key_states(r)[:3]


@case("unresolved._ENTER_ONE")
def _(r: Random) -> tuple[Any, ...]:
    return (*_unit(r), r.choice((None, "x")))


@case("unreadable._HELD")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), list(TYPES), r.choice((0, 2)), r.choice((1, 10)))


@case("rate_limits._COUNT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), 5.0, 0.0)


@case("rate_limits._SPEND")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), 2.0)


INSTANCES = IDS[:2]


def _some(r: Random) -> list[UUID]:
    return r.sample(IDS, r.randint(1, 3))


def _places(r: Random) -> tuple[list[str], list[str]]:
    keys = r.sample(KEYS, r.randint(1, 2))
    return [SOURCE] * len(keys), keys


@case("claims._FRESH")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), r.choice(INSTANCES), r.randint(1, 3))


@case("claims._POISON")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), r.choice(INSTANCES), r.randint(1, 3))


@case("claims._FOLLOWERS")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), *_places(r), r.randint(1, 3))


@case("claims._TAKE")
def _(r: Random) -> tuple[Any, ...]:
    others = r.choice((None, "{}", f"{{{IDS[5]},{IDS[6]}}}"))
    lease = r.choice((0.0, 3600.0))
    more, suspect = r.randint(0, 1), r.random() < 0.3
    return (r.choice(NAMES), r.choice(INSTANCES), [r.choice(IDS)], [others], more, suspect, lease)


@case("start_attempts._START_ATTEMPT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS), r.choice(IDS))


@case("claims._FLAG_POISON")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [r.choice(IDS)])


@case("claims._AWAIT_CLAIM")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), _some(r))


@case("claims._GIVE_BACK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [r.choice(IDS)], r.choice(INSTANCES))


@case("claims._LOCK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), _some(r), r.choice(INSTANCES))


@case("claims._READ_FOLLOWERS")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), _some(r))


@case("resolution._REACHED")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), *_places(r))


@case("resolution._RESOLVED")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [r.choice(IDS)], [r.random() < 0.5])


@case("resolution._DELETE")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [r.choice(IDS)])


@case("resolution._LEAVE_TO_CLOSE")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [r.choice(IDS)], [r.randint(1, 2)], [r.choice((None, 5))])


@case("resolution._CLOSING")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), _some(r))


@case("resolution._RELEASE")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [SOURCE], [r.choice(KEYS)], [1], [r.choice((None, 1, 5))])


@case("resolution._PROMOTE")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(NAMES), [SOURCE], [r.choice(KEYS)])


@case("resolution._FAILED")
def _(r: Random) -> tuple[Any, ...]:
    state, delay = r.choice((("dead", None), ("retrying", 0.0), ("retrying", 3600.0)))
    return (*_unit(r), state, 2, "Boom", delay, '[{"n": 2}]', 50)


@case("dead_letters._REPLAY")
def _(r: Random) -> tuple[Any, ...]:
    some = r.choice((None, *IDS)), r.choice((None, *TYPES)), r.choice((None, *NAMES))
    return (*some, "again", "me")


@case("dead_letters._TO_DISCARD")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS), r.choice((None, *NAMES)))


@case("dead_letters._DISCARD")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS), [r.choice(NAMES)], "no", "me")


@case("cutover._BEGIN")
def _(r: Random) -> tuple[Any, ...]:
    return ("q", list(TYPES), r.choice(IDS[:4]), r.choice((None, SOURCE)), r.randint(0, 2))


@case("cutover._END")
def _(r: Random) -> tuple[Any, ...]:
    return ("q", r.choice(IDS[:4]), r.randint(0, 2))


@case("cutover._PRUNE")
def _(r: Random) -> tuple[Any, ...]:
    return ("q",)


@case("cutover._KNOWN")
def _(r: Random) -> tuple[Any, ...]:
    return ("q",)


@case("requests._ASK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS), "replay", json.dumps({"to": "reader", "types": list(TYPES)}), "me")


def _chosen(r: Random) -> tuple[Any, ...]:
    key, ids = r.choice((None, "a")), r.choice((None, IDS[:4]))
    asked = (list(TYPES), FIRST, LAST, key, ids)
    return (*asked, Kept("snapshot"), r.choice((None, Kept("before"))), Kept("before"), IDS[0], 0)


@case("replay._COUNT[True]")
def _(r: Random) -> tuple[Any, ...]:
    return _chosen(r)


@case("replay._COUNT[False]")
def _(r: Random) -> tuple[Any, ...]:
    return _chosen(r)


@case("replay._NEXT[True]")
def _(r: Random) -> tuple[Any, ...]:
    return (*_chosen(r), r.randint(0, 2), 5)


@case("replay._NEXT[False]")
def _(r: Random) -> tuple[Any, ...]:
    return (*_chosen(r), r.randint(0, 2), 5)


@case("replay._FORGET_FORMER")
def _(r: Random) -> tuple[Any, ...]:
    return ("reader", [r.choice(TYPES)])


@case("replay._CONSUMES_ALL")
def _(r: Random) -> tuple[Any, ...]:
    return ("reader", [r.choice(TYPES)])


@case("barriers._ASK")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS),)


@case("barriers._TAKE_SNAPSHOT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS),)


@case("barriers._WAITS")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS),)


@case("barriers._NOTE_UNSENT")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS),)


@case("barriers._IN_ALL")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS),)


@case("barriers._REACHED")
def _(r: Random) -> tuple[Any, ...]:
    return (r.sample(IDS, 2), "q")


@case("subscribers._ENDED")
def _(r: Random) -> tuple[Any, ...]:
    return (list(TYPES), [r.choice(("reader", "other")) for _ in TYPES])


@case("subscribers._BEGUN")
def _(r: Random) -> tuple[Any, ...]:
    return (list(TYPES), [r.choice(("reader", "other")) for _ in TYPES])


@case("audit._LOG")
def _(r: Random) -> tuple[Any, ...]:
    return (r.choice(IDS), FIRST, FIRST, 10)


@case("audit._STATES")
def _(r: Random) -> tuple[Any, ...]:
    ids = r.sample(IDS, 4)
    return (ids, [TYPES[0]] * 4, [TYPES[0], TYPES[0]], list(NAMES))


@case("audit._ENTERED")
def _(r: Random) -> tuple[Any, ...]:
    return (list(NAMES), FIRST, r.choice((FIRST, IDS[2])), 10)


@case("audit._UNKNOWN")
def _(r: Random) -> tuple[Any, ...]:
    return (r.sample(IDS, 3),)


@case("replay._LISTED")
def _(r: Random) -> tuple[Any, ...]:
    return ("reader",)


WITHOUT_PARAMETERS = (
    "pipeline._CONSUMED_TYPES",
    "claims._DUE",
    "barriers._OPEN",
    "barriers._SERVICES",
    "replay._OPEN",
    "replay._TAKE_OVER",
)
for _name in WITHOUT_PARAMETERS:
    CASES[_name] = lambda r: ()

INLINE: dict[str, Draw] = {
    "select count(*) from messaging.suspect": lambda r: (r.choice(IDS),),
    "delete from messaging.suspect where fingerprint = $1 and": lambda r: (
        r.choice(IDS),
        r.choice(IDS),
    ),
    "delete from messaging.suspect where fingerprint = $1": lambda r: (r.choice(IDS),),
    "select partitions from messaging.spread": lambda r: (),
    "delete from messaging.open_message where event_id": _unit,
    "select source, key, coalesce(sequence, 0)": lambda r: (r.choice(NAMES), *_places(r)),
    "select id, asked, coalesce": lambda r: (r.choice(IDS),),
    "insert into messaging.job_unsent": lambda r: (r.choice(IDS),),
    "delete from messaging.job_unsent": lambda r: (r.choice(IDS),),
    "insert into messaging.job (id, kind, asked, asked_by, held)": lambda r: (
        r.choice(IDS),
        json.dumps({"to": "reader", "types": list(TYPES), "handover": True}),
    ),
    "update messaging.job set held": lambda r: (),
    "update messaging.job set first_snapshot": lambda r: (
        r.choice(IDS),
        Kept("snapshot"),
        0,
        Kept("snapshot"),
        1,
        3,
    ),
    "update messaging.job set announced": lambda r: (r.choice(IDS), r.choice((0, 1))),
    "update messaging.job set outcome": lambda r: (r.choice(IDS), "waits"),
    "update messaging.job set next_attempt_at": lambda r: (r.choice(IDS), r.choice((0.0, 3600.0))),
    "select (select coalesce(max(epoch), 0)": lambda r: (),
    "select pg_is_in_recovery()": lambda r: (),
    "select count(*) from messaging.job": lambda r: (
        "replay",
        json.dumps({"types": list(TYPES), "to": "reader"}),
    ),
    "select id, kind, asked, asked_by": lambda r: (r.choice(IDS),),
    "update messaging.job set snapshot": lambda r: (r.choice(IDS), Kept("snapshot")),
    "update messaging.job set pass_position": lambda r: (r.choice(IDS), 4, 2),
    "update messaging.job set done": lambda r: (r.choice(IDS), 2),
    "update messaging.job set state": lambda r: (r.choice(IDS), "done", "sent"),
    "insert into messaging.job (id, kind, asked, asked_by, state": lambda r: (
        "retry",
        "{}",
        "me",
        1,
    ),
    "select distinct type from messaging.listener where service": lambda r: ("reader",),
    "select type from messaging.listener where service": lambda r: ("reader",),
    "update messaging.fence f set reached": lambda r: (r.choice(IDS), ["other"]),
    "select reached, published_at": lambda r: (r.choice(IDS),),
    "select queue from messaging.fence_heard": lambda r: (r.choice(IDS),),
    "select pg_try_advisory_lock": lambda r: (r.choice((1, 2, 3)),),
    "select pg_advisory_unlock": lambda r: (r.choice((1, 2)),),
    "select pg_advisory_xact_lock": lambda r: (r.choice((3, 6)),),
}
"""Statements without a constant, by their first words; the longest match counts."""
NOT_COMPARED = (
    "notify hirewire_outbox",
    "select pg_current_snapshot()::text",
    "select pg_advisory_lock($1)",
    "select * from messaging.identity()",
    "select messaging.first_id(inbox_from) from messaging.retention",
    "audit._FLOW",
    "lineage._ADOPT",
    "lineage._CURRENT",
    "subscribers._ALONE",
)
"""Statements whose results differ by nature. The snapshot is taken by separate steps, and the
model's lock of the table excludes less than PostgreSQL's.
"""


def draw_of(name: str) -> Draw | None:
    """How to draw a statement's parameters; None if the statement has no case."""
    if name in CASES:
        return CASES[name]
    fitting = [words for words in INLINE if name.startswith(words)]
    return INLINE[max(fitting, key=len)] if fitting else None


def script(seed: int, length: int) -> list[Step]:
    """The steps of two sessions with overlapping transactions."""
    r = Random(seed)
    names = [name for name in NAMED if draw_of(name) and "sim." not in name]
    chosen = r.sample(names, 12) + ["outbox._FLUSH_ONE", "unresolved._OPEN", "inbox._ENTER"]
    steps = [Step(0, "snapshot", keep="before"), Step(0, "snapshot", keep="snapshot")]
    for _ in range(length):
        session = r.randrange(2)
        what = r.random()
        if what < 0.15:
            steps.append(Step(session, r.choice(("commit", "commit", "rollback"))))
        elif what < 0.2:
            steps.append(Step(session, "snapshot", keep=r.choice(("snapshot", "before"))))
        else:
            name = r.choice(chosen)
            draw = draw_of(name)
            assert draw is not None
            steps.append(Step(session, name, draw(r)))
    return [*steps, Step(0, "commit"), Step(1, "commit")]
