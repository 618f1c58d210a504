"""Event handlers of `vacancies` for roles."""

from hirewire.contracts.auth import UserRoleChanged
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.operators import commands


async def on_user_role_changed(tx: Tx, received: Received[UserRoleChanged]) -> None:
    """Keep who is an operator. The latest event of a person is the valid one."""
    if not received.late:
        event = received.event
        await commands.set_operator(tx, event.user_id, is_operator=event.role == "admin")
