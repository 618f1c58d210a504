"""Event handlers of `notifications` for alerts of saved searches."""

from collections.abc import Sequence

from hirewire.contracts.vacancies import SearchMatched, SearchMatchWithdrawn
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.notifications.searches import commands


async def on_search_matched(tx: Tx, received: Sequence[Received[SearchMatched]]) -> None:
    """Notify people of vacancies that their saved searches have found."""
    await commands.count(tx, received)


async def on_search_match_withdrawn(
    tx: Tx, received: Sequence[Received[SearchMatchWithdrawn]]
) -> None:
    """Take back what people have not read."""
    await commands.withdraw(tx, received)
