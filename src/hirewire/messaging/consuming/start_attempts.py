"""Start attempts at messages that may kill their process, by process instance."""

from uuid import UUID

from hirewire.messaging.transaction import Tx

_START_ATTEMPT = (
    "insert into messaging.suspect (fingerprint, instance) values ($1, $2) on conflict do nothing"
)


async def count(tx: Tx, fingerprint: UUID, instance: UUID) -> int:
    """Count a start attempt of this process; returns how many processes never finished theirs."""
    await tx.exec_driver_sql(_START_ATTEMPT, (fingerprint, instance))
    result = await tx.exec_driver_sql(
        "select count(*) from messaging.suspect where fingerprint = $1", (fingerprint,)
    )
    start_attempts: int = result.scalar_one()
    return start_attempts


async def forget(tx: Tx, fingerprint: UUID, instance: UUID) -> None:
    """Undo a process's start, since it was stopped.

    Its COMMIT may still be running: an insert of the same row waits for it, and a later statement
    sees it.
    """
    await tx.exec_driver_sql(_START_ATTEMPT, (fingerprint, instance))
    await tx.exec_driver_sql(
        "delete from messaging.suspect where fingerprint = $1 and instance = $2",
        (fingerprint, instance),
    )


async def clear(tx: Tx, fingerprint: UUID) -> None:
    """Delete a possible poison message: it was handled, or entered as failed or dead."""
    await tx.exec_driver_sql("delete from messaging.suspect where fingerprint = $1", (fingerprint,))
