"""docs/chaos.md: a table that a reader can reproduce."""

from collections.abc import Sequence
from pathlib import Path

from chaos.run import SCENARIOS, Scenario
from chaos.runner import Result

HEAD = """# Chaos

`./dev chaos --seed N` starts a cluster of three RabbitMQ or Kafka nodes, PostgreSQL, and two replicas each of a
publishing and a consuming service as separate processes, with TCP proxies between them. It runs the scenarios
below under load: the publishers commit several hundred events a second over 300 keys. The seed decides
victims, kinds of faults and times.

| option | does |
|---|---|
| `--broker kafka` | Apache Kafka as the broker: three nodes, each a broker and a controller, `min.insync.replicas=2` |
| `--short` | runs one node and the quick scenarios, as the tests do |
| `--list` | prints the scenarios |
| `--write` | writes this page |
| `"disk alarm" frozen` | runs the scenarios whose names contain these words |

**People** are another run: `./dev chaos-accounts --people 500 --seed N` starts the platform as `hirewire run` does, with a mail server
of its own. Each person registers, resets the password, leaves a profile and a resume, and deletes the account, 40 at once, while
services are killed and frozen and mail server, RabbitMQ and PostgreSQL are killed. Every promised mail must have arrived, none without
a committed row, every receipt must be complete, `hirewire privacy verify` must find nothing, and the audit must be clean.

**Notices** are one more: `./dev chaos-notifications --minutes 5 --seed N`. Candidates apply, employers move their applications, and both
write, while `notifications` is killed and frozen and mail server, receiver of webhooks, RabbitMQ and PostgreSQL are killed. At the
end the notices must equal, one by one, what the tables of `vacancies` say has happened; every mail and every delivery must have
arrived, none without cause, and the deliveries of an application in its order. Repeats are counted, and each must be explained by an
attempt whose answer was lost or a sender that was killed.

**An upgrade** is a run of its own: `./dev upgrade --from COMMIT --seed N`. The previous version runs with two replicas of each service
behind HAProxy, people register, edit resumes, publish, apply and write through the gateway, and `migrate` of this version runs. Then each
replica is replaced, some go back, and forwards again. No request may fail, every answer must hold afterwards (each message once and in
order, each resume as it was saved last, at its owner and at its readers), and the audit must be clean.

**Audits** run one after the other during the faults, and until one more is complete after them. None may ever
report an event as missing that is not lost (**false alarms** is 0). After each scenario all faults are
removed. Once outbox, queues and inbox are empty:

- Every committed event has exactly one effect (**lost** and **duplicated** are 0).
- The effects of a key are in the order of its commits (**reordered** is 0). An event that arrives after a later
  one of its key is marked and counted (**late**). A late event counts as reordered, unless the scenario itself
  has reordered it, or it was lost in a deleted queue and repaired.
- The state that the handlers keep is that of the newest event of each key.
- The audit is clean: the ledgers of both sides agree, event by event, and contain every committed event.
  If a queue was deleted with messages in it, or the broker has lost messages that it had confirmed, the audit has
  named the missing events and its repair has published them again (**repaired**).

Some scenarios need root. Separate hosts are network namespaces behind a bridge, whose cable is unplugged (no
process is notified). The disk that loses unflushed data is an ext4 file system on a loop device over a file
that `chaos/disk.py` serves by FUSE. If the machine lacks something, the scenario is skipped with a message.

The results over Apache Kafka are a [page of their own](chaos-kafka.md).
"""
KAFKA_HEAD = """# Chaos over Kafka

`./dev chaos --broker kafka --seed N` runs the scenarios of [chaos.md](chaos.md) over Apache Kafka 4.1.1: three nodes, each a broker and
a controller. Every scenario must end with nothing lost, duplicated or reordered, no false alarm, and a clean audit. Events are
**repaired** where the broker itself has lost what it had acknowledged ("the broker lied", "restored to an earlier time"), or
was ordered to delete them: the audit has named them, and its repair has published them from the owner's log.

What these runs have found, mended since: with fewer partitions than before a replica kept one that was no more, and another had no
consumer (on RabbitMQ too); declaring queues right after a cluster had started could fail; a node alone did not flush what it
acknowledged, so that a loss of power lost it; and an error of the library, raised in a thread of the harness, left it waiting for ever,
which had looked like a slow broker. With seed 2 a consumer stayed for ever with a node that was cut off from the other nodes, but not
from it: the client library asks the node that it has used last. Now several nodes are asked.

The table has three seeds whole. A scenario that failed was run again after its cause was mended; two causes were the suite's own, each
where one scenario follows another. "One service restored to an earlier time" expected the audit to name events again that an operator had
accepted in the scenario before; and in "a replay of everything to take effect again" a message that had killed its process came again,
ended both readers, and nobody started them, as a supervisor would.
"""
TABLE = """
| scenario | seed | faults injected | events | lost | duplicated | reordered | late | repaired | audits | false alarms | audit | s |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write the page."""
    what = [f"- **{one.name}**{_only(one)}: {one.what}" for one in SCENARIOS.values()]
    path.write_text(HEAD + _table(results) + "\n## The scenarios\n\n" + "\n".join(what) + "\n")


def write_kafka(results: Sequence[Result], path: Path) -> None:
    """Write the page of the results over Kafka."""
    path.write_text(KAFKA_HEAD + _table(results))


def _table(results: Sequence[Result]) -> str:
    if not results:
        return ""
    rows = [
        f"| {r.scenario} | {r.seed} | {r.faults} | {r.events:,} | {r.lost} | {r.duplicated} | "
        f"{r.reordered} | {r.late} | {r.repaired} | {r.audits} | {r.false_alarms} | {r.audit} | "
        f"{r.seconds:.0f} |"
        for r in results
    ]
    events = sum(r.events for r in results)
    lost, duplicated = sum(r.lost for r in results), sum(r.duplicated for r in results)
    total = (
        f"\nIn all {events:,} events: lost {lost}, duplicated {duplicated}, reordered "
        f"{sum(r.reordered for r in results)}; {sum(r.audits for r in results):,} audits while "
        f"faults were injected, with {sum(r.false_alarms for r in results)} false alarms.\n"
    )
    return TABLE + "\n".join(rows) + "\n" + total


def _only(one: Scenario) -> str:
    names = {"rabbitmq": "RabbitMQ", "kafka": "Kafka"}
    return f" ({names[one.brokers[0]]} only)" if len(one.brokers) == 1 else ""
