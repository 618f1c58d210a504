"""Commands that record views of cards."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.tables import card_view, recommendation, resume


async def note_view(tx: Tx, resume_id: UUID, company_id: UUID) -> None:
    """Record that this company viewed the card, notify its owner, and mark its changes as seen."""
    moment = now()
    first = insert(card_view).values(
        resume_id=resume_id, company_id=company_id, times=1, first_at=moment, last_at=moment
    )
    await tx.execute(
        first.on_conflict_do_update(
            index_elements=["resume_id", "company_id"],
            set_={"times": card_view.c.times + 1, "last_at": moment},
        )
    )
    table = recommendation.c
    await tx.execute(
        update(recommendation)
        .where(table.resume_id == resume_id, table.company_id == company_id, table.state == "new")
        .values(state="seen", updated_at=moment)
    )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete who has viewed the cards of a user who is erased; returns how many rows.

    Runs before `activity` forgets whose the resumes were.
    """
    gone = await tx.execute(
        delete(card_view).where(
            card_view.c.resume_id.in_(select(resume.c.resume_id).where(resume.c.user_id == user_id))
        )
    )
    return gone.rowcount
