"""What an employer exports of conversations."""

from hirewire.vacancies.exporting import documents
from tests.vacancies.applications.conftest import Board

OF_A_COLLEAGUE = """
insert into application_message (id, application_id, side, user_id, text, sent_at)
select gen_random_uuid(), application_id, side, gen_random_uuid(), 'Theirs', sent_at
from application_message
"""


async def test_what_colleagues_wrote_is_not_exported(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.boss.call("POST", f"/applications/{id}/messages", {"text": "Mine"}, expect=201)
    [section] = [one for one in documents.SECTIONS if one.name == "messagesAsEmployer"]
    async with board.boss.service.messaging.transactions() as tx:
        await tx.exec_driver_sql(OF_A_COLLEAGUE)
        written = [row async for row in section.rows(tx, board.boss.id)]
    assert [row["text"] for row in written] == ["Mine"]
