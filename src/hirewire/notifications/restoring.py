"""What was sent before this database was restored from a backup.

The restored database knows nothing of what happened after the backup. Of what was queued then, most
has been sent since; and the events of since, which the audit publishes again, were handled before.
`hirewire mails hold-back` stores when that was. What such an event changes is stored, and its
notices are made, but nothing is sent about them.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx


async def held(tx: Tx, received: Sequence[Received[Any]]) -> frozenset[UUID]:
    """Those of these events about which nothing is sent, by their ids."""
    repaired = [one for one in received if one.repaired]
    if not repaired:
        return frozenset()
    restored_at = (await tx.exec_driver_sql("select restored_at from beginning")).scalar()
    if restored_at is None:
        return frozenset()
    return frozenset(one.id for one in repaired if one.time is None or one.time < restored_at)


async def note(tx: Tx) -> None:
    """Store that this database has just been restored."""
    await tx.exec_driver_sql("update beginning set restored_at = $1", (now(),))
