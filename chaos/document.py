"""docs/chaos.md: the table that a reader can check by running it."""

from collections.abc import Sequence
from pathlib import Path

from chaos.runner import Result
from chaos.scenarios import SCENARIOS

HEAD = """# Chaos

`./dev chaos --seed N` starts three RabbitMQ nodes as a cluster, a PostgreSQL, and two replicas each of a
writing and a hearing service as processes of their own, with TCP proxies in between, and runs the scenarios
below under load: the writers commit some hundred events a second over 300 keys. A seed decides victims,
kinds and moments. `--short` takes one node and the quick scenarios, as the tests do; `--write` writes this
page. `./dev chaos --seed 1 "disk alarm"` runs one scenario alone.

After each scenario everything is healed, and once outbox, queue and inbox are empty:

- every committed event has exactly one effect (**lost** and **doubled** are 0);
- the effects of a key are in the order of its commits (**reordered** is 0). Where disorder itself is
  injected, an event that comes after a later one of its key is marked and counted (**late**), and the state
  ends as if none had been;
- the audit is clean: both sides' books agree, event by event. Where a queue was deleted with messages in it,
  the audit has named what was missing and its repair has sent that again (**repaired**).

| scenario | seed | faults injected | events | lost | doubled | reordered | late | repaired | audit | s |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write the page."""
    rows = [
        f"| {r.scenario} | {r.seed} | {r.faults} | {r.events:,} | {r.lost} | {r.doubled} | "
        f"{r.reordered} | {r.late} | {r.repaired} | {r.audit} | {r.seconds:.0f} |"
        for r in results
    ]
    events = sum(r.events for r in results)
    lost, doubled = sum(r.lost for r in results), sum(r.doubled for r in results)
    total = (
        f"\nIn all {events:,} events: lost {lost}, doubled {doubled}, reordered "
        f"{sum(r.reordered for r in results)}.\n"
    )
    what = [f"- **{name}**: {(f.__doc__ or '').strip()}" for name, f in SCENARIOS.items()]
    text = HEAD + "\n".join(rows) + "\n" + total + "\n## The scenarios\n\n" + "\n".join(what) + "\n"
    path.write_text(text)
