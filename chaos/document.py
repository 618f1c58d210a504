"""docs/chaos.md: the table that a reader can check by running it."""

from collections.abc import Sequence
from pathlib import Path

from chaos.run import SCENARIOS
from chaos.runner import Result

HEAD = """# Chaos

`./dev chaos --seed N` starts three RabbitMQ nodes as a cluster, a PostgreSQL, and two replicas each of a
writing and a consuming service as processes of their own, with TCP proxies in between, and runs the scenarios
below under load: the writers commit some hundred events a second over 300 keys. A seed decides victims,
kinds and moments. `--short` takes one node and the quick scenarios, as the tests do; `--list` prints the
scenarios; `--write` writes this page. `./dev chaos --seed 1 "disk alarm" frozen` runs those whose names hold
these words.

While the faults are injected, and until one more is complete after them, **audits** run one after the other:
none of them may ever call an event missing that is not lost (**false alarms** are 0). After each scenario
everything is healed, and once outbox, queues and inbox are empty:

- every committed event has exactly one effect (**lost** and **doubled** are 0);
- the effects of a key are in the order of its commits (**reordered** is 0). An event that comes after a later
  one of its key is marked and counted (**late**). Lateness counts as disorder, but for the very events that a
  scenario itself has brought out of their order, or that were lost in a deleted queue and repaired;
- the state that the handlers keep is that of the newest event of each key;
- the audit is clean: the ledgers of both sides agree, event by event, and it knows of every event that is committed.
  Where a queue was deleted with messages in it, the audit has named what was missing and its repair has sent
  that again (**repaired**).

Some scenarios need root: hosts of their own are network namespaces behind a bridge, whose cable is unplugged
(nobody is notified); the disk that loses what was not flushed is an ext4 file system on a loop device over a file
that `chaos/disk.py` serves by FUSE. What a machine lacks is said, and the scenario skipped.
"""
TABLE = """
| scenario | seed | faults injected | events | lost | doubled | reordered | late | repaired | audits | false alarms | audit | s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write the page."""
    rows = [
        f"| {r.scenario} | {r.seed} | {r.faults} | {r.events:,} | {r.lost} | {r.doubled} | "
        f"{r.reordered} | {r.late} | {r.repaired} | {r.audits} | {r.false_alarms} | {r.audit} | "
        f"{r.seconds:.0f} |"
        for r in results
    ]
    events = sum(r.events for r in results)
    lost, doubled = sum(r.lost for r in results), sum(r.doubled for r in results)
    total = (
        f"\nIn all {events:,} events: lost {lost}, doubled {doubled}, reordered "
        f"{sum(r.reordered for r in results)}; {sum(r.audits for r in results):,} audits while "
        f"faults were injected, with {sum(r.false_alarms for r in results)} false alarms.\n"
    )
    what = [f"- **{one.name}**: {one.what}" for one in SCENARIOS.values()]
    table = TABLE + "\n".join(rows) + "\n" + total if results else ""
    text = HEAD + table + "\n## The scenarios\n\n" + "\n".join(what) + "\n"
    path.write_text(text)
