"""An erased person in `notifications`: all is deleted, and nothing comes back."""

import asyncio
from uuid import uuid4

import pytest

from hirewire.contracts.auth import UserErased, UserExportRequested, UserRoleChanged
from hirewire.kit.clock import now
from hirewire.kit.exports import parts
from hirewire.kit.exports.maker import PartMaker
from hirewire.messaging.testing import consume, recorded
from hirewire.notifications.app import SERVICE
from hirewire.notifications.applications import background
from hirewire.notifications.tables import metadata
from tests.notifications.conftest import Board
from tests.notifications.test_interviews import INTERVIEW, abandoned, chosen, proposed
from tests.notifications.test_preferences import preferences

TABLES = tuple(metadata.tables)


async def _found(board: Board, *words: object) -> set[str]:
    """The tables that name any of these."""
    found = set()
    for table in TABLES:
        for word in words:
            [(count,)] = await board.rows(
                f"select count(*) from {table} t where strpos(t::text, $1) > 0", str(word)
            )
            if count:
                found.add(table)
    return found


async def test_an_applicant_who_is_erased(board: Board) -> None:
    gone = board.matched(resume=board.resume, vacancy=uuid4())
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    await board.consume(board.moved("response", "consider", "in_progress"), board.matched(), gone)
    await board.consume(board.unmatched(gone))
    off = {"kinds": [{"kind": "message", "mail": "off", "push": False}]}
    await preferences(board, board.anna, off)
    erased = UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now())
    late = board.sent(board.written("employer"))
    await board.consume(erased)
    await board.consume(late, board.matched(vacancy=uuid4()))
    assert await _found(board, board.anna, board.resume, "Chef", "anna@") == set()
    [left] = await board.notices(board.carla)
    assert (left["kind"], left["resumeTitle"]) == ("application_received", None)
    [done] = await recorded(board.service.engine, "user.erasure_done.notifications")
    assert done.body["records"] > 5
    [state] = await board.rows(
        "select is_erased from kit.refused_user where user_id = $1", board.anna
    )
    assert state == (True,)


@pytest.mark.parametrize("erased_first", [True, False])
async def test_an_interview_with_an_erased_person_says_nothing_and_goes(
    board: Board, erased_first: bool
) -> None:
    """The company's calendar needs to know that nobody comes, for some days."""
    await board.consume(board.submitted(), proposed(board, 1), chosen(board, 2))
    assert "interview" in await _found(board, "Main street")
    erased = UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now())
    gone = abandoned(board, 3)
    for event in (erased, gone) if erased_first else (gone, erased):
        await board.consume(event)
    assert await _found(board, board.anna, board.resume, "Main street", "Chef") == set()
    transactions = board.service.messaging.transactions
    assert not await background.forget(transactions)
    assert await _found(board, INTERVIEW) == {"interview", "notice"}
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update interview set at = at - interval '31 days'")
    assert not await background.forget(transactions)
    assert await _found(board, INTERVIEW) == {"notice"}


async def test_all_of_an_employer_and_of_the_last_one(board: Board) -> None:
    """Whatever table it is in, and their interviews with people who are still there."""
    await board.consume(board.submitted(), proposed(board, 1), chosen(board, 2))
    await board.consume(UserRoleChanged(user_id=board.carla, role="admin"))
    hook = {"url": "https://hooks.example.org/x", "events": ["application.submitted"]}
    made = await board.service.client.post(
        "/api/notifications/webhooks", json=hook, headers=board.service.as_user(board.carla)
    )
    assert made.status_code == 201, made.text
    await board.consume(board.written("applicant"))
    for one, left in ((board.carla, {"webhook"}), (board.dan, set())):
        await board.consume(UserErased(user_id=one, erasure_id=uuid4(), erased_at=now()))
        assert await _found(board, one) == set()
        assert await _found(board, "hooks.example.org") == left
    assert await _found(board, INTERVIEW) == {"interview", "notice"}
    transactions = board.service.messaging.transactions
    await background.forget(transactions)
    assert await _found(board, "Main street") == {"interview"}, "the candidate knows where"


async def test_matches_of_somebody_who_is_erased_are_counted_no_more(board: Board) -> None:
    await board.consume(board.matched(), board.matched(resume=uuid4()), board.matched())
    alone = uuid4()
    await board.consume(board.matched(vacancy=alone))
    second = uuid4()
    await board.consume(board.resumed(1, "Baker").model_copy(update={"resume_id": second}))
    await board.consume(board.matched(resume=second))
    assert [one["count"] for one in await board.notices(board.carla)] == [1, 3]
    await board.consume(UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now()))
    assert await _found(board, board.resume, second) == set()
    assert [one["count"] for one in await board.notices(board.carla)] == [1]


async def test_employers_who_are_erased(board: Board) -> None:
    await board.consume(board.submitted(), board.matched())
    erased = UserErased(user_id=board.carla, erasure_id=uuid4(), erased_at=now())
    await board.consume(erased)
    assert await _found(board, board.carla, "carla@") == set()
    assert "company" in await _found(board, "Acme"), "Dan is still there"
    await board.consume(board.written("applicant"))
    assert len(await board.notices(board.dan)) == 3
    await board.consume(UserErased(user_id=board.dan, erasure_id=uuid4(), erased_at=now()))
    assert await _found(board, "Acme") == set()


async def test_a_notice_and_the_erasure_of_its_reader_at_once(board: Board) -> None:
    consumer = board.service.messaging.consumer
    for _ in range(5):
        erased = UserErased(user_id=board.dan, erasure_id=uuid4(), erased_at=now())
        sent = [board.sent(board.written("applicant")) for _ in range(3)]
        await asyncio.gather(
            *(consume(consumer, one) for one in sent), consume(consumer, board.sent(erased))
        )
        assert await _found(board, board.dan) == set()
    assert [one["count"] for one in await board.notices(board.carla)] == [15]


async def test_the_export_has_all_notices(board: Board) -> None:
    await board.consume(board.submitted(), board.written("applicant"), board.matched())
    quiet = {"from": "22:00", "until": "08:00"}
    off = {"kind": "message", "mail": "off", "push": False}
    await preferences(board, board.carla, {"quiet": quiet, "kinds": [off]})
    export = UserExportRequested(
        export_id=uuid4(), user_id=board.carla, language="en", requested_at=now()
    )
    await board.consume(export)
    assert SERVICE.exports is not None
    transactions = board.service.messaging.transactions
    assert await PartMaker("notifications", transactions, SERVICE.exports).step()
    async with transactions() as tx:
        content = await parts.content_of(tx, export.export_id, 0, 0)
    text = content.decode()
    kinds = ("application_received", "message", "recommended_candidate")
    assert [text.count(f'"kind": "{kind}"') for kind in kinds] == [1, 2, 1], "and a preference"
    assert '"quietFrom": 1320' in text
    assert str(board.dan) not in text
    assert len(await recorded(board.service.engine, "notifications.exported")) == 1
