"""Shrinks a failing plan to fewer decisions that still fail in the same way."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from simulate.history import Outcome, run
from simulate.plan import Plan

SEEDS = 4
"""Seeds tried for each smaller plan: leaving out one decision changes everything after it."""


def shrink(
    plan: Plan,
    kinds: Iterable[str],
    *,
    most_runs: int = 600,
    fails: Callable[[Plan], Outcome] = run,
) -> Plan:
    """Delta debugging over the decisions: first halves, then smaller and smaller pieces, then
    single ones.
    """
    expected = frozenset(kinds)
    runs = 0

    def still_fails(smaller: Plan) -> Plan | None:
        nonlocal runs
        for nth in range(SEEDS):
            candidate = smaller if nth == 0 else replace(smaller, seed=smaller.seed + nth)
            runs += 1
            if fails(candidate).kinds & expected:
                return candidate
        return None

    size = max(len(plan.decisions) // 2, 1)
    while runs < most_runs:
        found = False
        start = 0
        while start < len(plan.decisions) and runs < most_runs:
            left_out = set(range(start, min(start + size, len(plan.decisions))))
            smaller = still_fails(plan.without(left_out))
            if smaller is None:
                start += size
            else:
                plan, found = smaller, True
        if size == 1 and not found:
            break
        size = max(size // 2, 1)
    return _with_fewer_events(plan, still_fails)


def _with_fewer_events(plan: Plan, still_fails: Callable[[Plan], Plan | None]) -> Plan:
    """Reduce transactions to one event and make handlers succeed, where it still fails."""
    for place in range(len(plan.decisions)):
        decision = plan.decisions[place]
        simpler = [replace(decision, events=decision.events[:1])] if decision.events[1:] else []
        calm = tuple((type, key, "ok") for type, key, _ in decision.events)
        if calm != decision.events:
            simpler.append(replace(decision, events=calm))
        for one in simpler:
            decisions = (*plan.decisions[:place], one, *plan.decisions[place + 1 :])
            smaller = still_fails(replace(plan, decisions=decisions))
            if smaller is not None:
                plan = smaller
    return plan
