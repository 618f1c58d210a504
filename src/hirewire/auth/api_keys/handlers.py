"""Event handlers of `auth` that say who may make keys of a company."""

from hirewire.auth.companies import join
from hirewire.contracts.vacancies import EmployerProfileCreated, EmployerStated
from hirewire.messaging.envelope import Received, source_of
from hirewire.messaging.transaction import Tx


async def on_employer(
    tx: Tx, received: Received[EmployerProfileCreated] | Received[EmployerStated]
) -> None:
    """Store the company that the user acts for.

    What an external service sends does not count: it would open another company's keys.
    """
    is_own = received.sequence is not None and received.source == source_of("vacancies")
    if is_own:
        await join(tx, received.event.user_id, received.event.company_id)
