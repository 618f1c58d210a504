"""`hirewire` as if the service vacancies had a projection."""

from collections.abc import Sequence
from dataclasses import replace

from hirewire import __main__
from hirewire.contracts.profiles import ResumeUpdated
from hirewire.messaging.envelope import Received
from hirewire.messaging.projections.generations import Projection
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.transaction import Tx
from hirewire.vacancies import app


async def create(tx: Tx, schema: str) -> None:
    """Create the table."""
    await tx.exec_driver_sql(f"create table {schema}.seen (resume text)")


def subscribe(schema: str) -> Sequence[Subscription]:
    """Create the subscription."""

    async def note(tx: Tx, received: Received[ResumeUpdated]) -> None:
        await tx.exec_driver_sql(f"insert into {schema}.seen values ($1)", (received.key,))

    return [on(ResumeUpdated, note, name="vacancies.seen")]


def main() -> None:
    """Run it."""
    app.SERVICE = replace(app.SERVICE, projections=[Projection("seen", 1, create, subscribe)])
    __main__.main()
