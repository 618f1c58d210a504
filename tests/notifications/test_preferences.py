"""What people want to be notified of, as it is stored and asked for."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hirewire.contracts.auth import UserEmailChanged, UserEmailVerified, UserLocaleChanged
from hirewire.kit.clock import now
from hirewire.notifications.kinds import DEFAULTS
from tests.notifications.conftest import Board

URL = "/api/notifications/preferences"


async def preferences(
    board: Board, user: UUID, body: object = None, status: int = 200
) -> dict[str, Any]:
    """Read the preferences, or change them."""
    headers, method = board.service.as_user(user), "GET" if body is None else "PUT"
    answer = await board.service.client.request(method, URL, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def kinds(board: Board, user: UUID) -> dict[str, tuple[str, bool]]:
    found = await preferences(board, user)
    return {one["kind"]: (one["mail"], one["push"]) for one in found["kinds"]}


async def test_without_a_choice_the_defaults_count(board: Board) -> None:
    found = await preferences(board, board.anna)
    assert found["quiet"] is None
    assert found["email"] == {"state": "ok"}
    assert (found["language"], found["timeZone"]) == (None, None)
    assert [one["kind"] for one in found["kinds"]] == list(DEFAULTS)
    mails = {one["kind"]: one["mail"] for one in found["kinds"]}
    assert mails["invitation"] == mails["message"] == "at_once"
    assert mails["recommended_vacancy"] == mails["recommended_candidate"] == "daily"
    assert {one["kind"]: one["side"] for one in found["kinds"]}["message"] is None


async def test_only_what_differs_is_stored_and_what_is_left_out_stays(board: Board) -> None:
    off = {"kind": "message", "mail": "off", "push": False}
    same = {"kind": "invitation", "mail": "at_once", "push": True}
    quiet = {"from": "22:30", "until": "07:05"}
    answer = await preferences(board, board.anna, {"quiet": quiet, "kinds": [off, same]})
    assert answer["quiet"] == quiet
    assert await board.rows("select kind, mail, push from preference") == [
        ("message", "off", False)
    ]
    weekly = {"kind": "recommended_vacancy", "mail": "weekly", "push": True}
    await preferences(board, board.anna, {"kinds": [weekly]})
    found = await kinds(board, board.anna)
    assert found["message"] == ("off", False)
    assert found["recommended_vacancy"] == ("weekly", True)
    assert (await preferences(board, board.anna))["quiet"] == quiet
    back = {"kind": "message", "mail": "at_once", "push": True}
    await preferences(board, board.anna, {"quiet": None, "kinds": [back]})
    assert await board.rows("select kind from preference") == [("recommended_vacancy",)]
    assert (await preferences(board, board.anna))["quiet"] is None
    assert await kinds(board, board.carla) == {
        kind: (one.mail, one.push) for kind, one in DEFAULTS.items()
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kinds": [{"kind": "nothing", "mail": "off", "push": True}]}, "literal_error"),
        ({"kinds": [{"kind": "message", "mail": "often", "push": True}]}, "literal_error"),
        ({"kinds": [{"kind": "message", "mail": "off", "push": 1}]}, "not_a_boolean"),
        ({"kinds": [{"kind": "message", "mail": "off", "push": True}] * 2}, "kind_twice"),
        ({"quiet": {"from": "24:00", "until": "07:00"}}, "string_pattern_mismatch"),
        ({"quiet": {"from": "07:00", "until": "07:00"}}, "no_quiet_hours"),
        ({"quiet": {"from": "07:00"}}, "missing"),
    ],
)
async def test_refused(board: Board, body: object, code: str) -> None:
    problem = await preferences(board, board.anna, body, 422)
    assert code in [one["code"] for one in problem["errors"]]
    assert await board.rows("select kind from preference") == []


async def test_somebody_who_is_not_known_here_yet_can_choose(empty: Board) -> None:
    """The registration comes from another service, and may arrive later."""
    off = {"kind": "message", "mail": "off", "push": False}
    await asyncio.gather(*(preferences(empty, empty.anna, {"kinds": [off]}) for _ in range(4)))
    await empty.consume(*empty.people())
    assert (await kinds(empty, empty.anna))["message"] == ("off", False)
    rows = await empty.rows("select email from person where user_id = $1", empty.anna)
    assert rows == [("anna@example.org",)]


async def test_language_zone_and_verification_come_from_events(board: Board) -> None:
    moment = now()
    newer = UserLocaleChanged(user_id=board.anna, language="ru", time_zone="Asia/Omsk", at=moment)
    older = UserLocaleChanged(
        user_id=board.anna, language="en", time_zone=None, at=moment - timedelta(days=1)
    )
    await board.consume(newer, older)
    found = await preferences(board, board.anna)
    assert (found["language"], found["timeZone"]) == ("ru", "Asia/Omsk")
    sql = "select is_verified from person where user_id = $1"
    assert await board.rows(sql, board.anna) == [(False,)]
    await board.consume(UserEmailVerified(user_id=board.anna, at=moment))
    await board.consume(UserEmailChanged(user_id=board.dan, email="d@example.org", at=moment))
    for one in (board.anna, board.dan):
        assert await board.rows(sql, one) == [(True,)]


async def test_a_new_address_is_not_stopped(board: Board) -> None:
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update person set mail_stopped_at = now()")
    assert (await preferences(board, board.anna))["email"] == {"state": "stopped"}
    event = UserEmailChanged(user_id=board.anna, email="new@example.org", at=now())
    await board.consume(event)
    assert (await preferences(board, board.anna))["email"] == {"state": "ok"}
