"""What `auth` hears about roles."""

from hirewire.auth.roles.commands import NoSuchUser, make_employer
from hirewire.contracts.vacancies import EmployerProfileCreated
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx


async def on_employer_profile_created(tx: Tx, received: Received[EmployerProfileCreated]) -> None:
    """Who acts for a company is an employer, from now on and in the session they have.

    A user who is not known will not become known by waiting: users begin in this database.
    """
    try:
        await make_employer(tx, received.event.user_id)
    except NoSuchUser as error:
        raise Reject(str(error)) from None
