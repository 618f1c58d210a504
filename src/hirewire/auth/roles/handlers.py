"""Event handlers of `auth` that change roles."""

from hirewire.auth.roles.commands import NoSuchUser, make_employer
from hirewire.contracts.vacancies import EmployerProfileCreated
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx


async def on_employer_profile_created(tx: Tx, received: Received[EmployerProfileCreated]) -> None:
    """Make the user an employer, also in a session that is already open.

    An unknown user is rejected without a retry: users are created in this database only.
    """
    try:
        await make_employer(tx, received.event.user_id)
    except NoSuchUser as error:
        raise Reject(str(error)) from None
