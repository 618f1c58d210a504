"""The list of notices: whose it is, its pages, reading, what tokens may do, and old ones."""

from datetime import timedelta
from uuid import uuid4

from hirewire.kit.clock import now
from hirewire.messaging.testing import recorded
from hirewire.notifications.making import KEPT
from hirewire.notifications.matches import background as matches
from hirewire.notifications.notices import background
from tests.notifications.conftest import Board


async def test_paging_and_reading(board: Board) -> None:
    for _ in range(5):
        board.application = uuid4()
        await board.consume(board.written("applicant"))
    first = await board.call(board.carla, "GET", "?limit=2")
    second = await board.call(board.carla, "GET", f"?limit=2&after={first['next']}")
    third = await board.call(board.carla, "GET", f"?limit=2&after={second['next']}")
    listed = [one["id"] for page in (first, second, third) for one in page["items"]]
    assert (len(listed), third["next"]) == (5, None)
    assert listed == sorted(listed, reverse=True)
    assert await board.call(board.carla, "GET", "/unread") == {"count": 5}

    for _ in range(2):  # it can be repeated
        await board.call(board.carla, "PUT", f"/{listed[0]}/read", expect=204)
    read_at = await board.rows("select read_at from notice where read_at is not null")
    assert len(read_at) == 1
    await board.call(board.dan, "PUT", f"/{listed[1]}/read", expect=404)
    await board.call(board.carla, "PUT", f"/{uuid4()}/read", expect=404)
    await board.call(board.dan, "POST", "/read", {"until": listed[2]}, expect=204)
    assert await board.call(board.carla, "GET", "/unread") == {"count": 4}
    await board.call(board.carla, "POST", "/read", {"until": listed[3]}, expect=204)
    unread = await board.call(board.carla, "GET", "?unread=true")
    assert [one["id"] for one in unread["items"]] == listed[1:3]
    assert await board.rows("select read_at from notice where id = $1", listed[0]) == read_at


async def test_whoever_opens_a_thing_has_read_its_notices(board: Board) -> None:
    first = str(board.application)
    await board.consume(board.submitted(), board.written("applicant"), board.matched())
    await board.consume(board.matched(resume=uuid4(), vacancy=uuid4()))
    board.application = uuid4()
    await board.consume(board.submitted())

    async def left(**about: str) -> int:
        found = await board.call(board.carla, "POST", "/read-about", about)
        return int(found["count"])

    assert await left() == 5, "without a thing, nothing is marked"
    assert await left(applicationId=str(uuid4())) == 5
    assert await left(applicationId=first) == 3
    unread = (await board.call(board.carla, "GET", "?unread=true"))["items"]
    assert [one["applicationId"] for one in unread] == [str(board.application), None, None]
    matched = {"kind": "recommended_candidate"}
    assert await left(**matched, applicationId=str(board.application)) == 3
    assert await left(**matched, vacancyId=str(board.vacancy)) == 2
    assert await left(**matched) == 1
    assert await board.call(board.dan, "GET", "/unread") == {"count": 5}, "another person's"


async def test_unread_messages_of_an_application_are_one_notice(board: Board) -> None:
    messages = [board.sent(board.written("applicant")) for _ in range(3)]
    await board.consume(*messages[:2])
    [one] = await board.notices(board.carla)
    assert (one["kind"], one["count"]) == ("message", 2)
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("delete from messaging.inbox")  # it has forgotten them
    await board.consume(*messages)
    assert [one["count"] for one in await board.notices(board.carla)] == [3]
    await board.call(board.carla, "PUT", f"/{one['id']}/read", expect=204)
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("delete from messaging.inbox")
    await board.consume(*messages)
    assert [one["count"] for one in await board.notices(board.carla)] == [3]
    await board.consume(board.written("applicant"))
    board.application = uuid4()
    await board.consume(board.written("applicant"))
    assert [one["count"] for one in await board.notices(board.carla)] == [1, 1, 3]
    assert [one["count"] for one in await board.notices(board.dan)] == [1, 4]
    made = await recorded(board.service.engine, "notice.created")
    assert len(made) == 3 + 2, "one for each notice"


async def test_what_is_refused(board: Board) -> None:
    client = board.service.client
    for method, path in (
        ("GET", ""),
        ("GET", "/unread"),
        ("PUT", f"/{uuid4()}/read"),
        ("POST", "/read"),
        ("POST", "/read-about"),
    ):
        place = f"/api/notifications/notices{path}"
        answer = await client.request(method, place, json={"until": str(uuid4())})
        assert answer.status_code == 401
        for scope, good in (
            ("notifications:read", method == "GET"),
            ("notifications:write", method != "GET"),
            ("vacancies:read vacancies:write", False),
        ):
            headers = board.service.as_user(board.carla, scope=scope)
            body = {"until": str(uuid4())} if path == "/read" else {"vacancyId": str(uuid4())}
            answer = await client.request(method, place, json=body, headers=headers)
            allowed = answer.status_code in (200, 204, 404)
            assert allowed if good else answer.status_code == 403, (method, path, scope)
    for path in ("?after=x", "?after=WyJ4Il0", "?limit=0", "?limit=101", "?unread=perhaps"):
        await board.call(board.carla, "GET", path, expect=422)
    await board.call(board.carla, "POST", "/read", {"until": "x"}, expect=422)
    for about in ({"kind": "x"}, {"vacancyId": "x"}, {"userId": str(board.dan)}):
        await board.call(board.carla, "POST", "/read-about", about, expect=422)
    assert await board.notices(uuid4()) == []


async def test_old_notices_are_deleted(board: Board) -> None:
    transactions = board.service.messaging.transactions
    old = now() - KEPT - timedelta(minutes=1)
    await board.consume(board.written("applicant"), board.matched())
    match = board.matched(resume=uuid4())
    await board.consume(match)
    await board.consume(board.unmatched(match))
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update beginning set at = '2020-01-01T00:00Z'")
        await connection.exec_driver_sql(
            "update notice set at = $1 where user_id = $2", (old, board.carla)
        )
        await connection.exec_driver_sql("update withdrawn_match set at = $1", (old,))
    assert not await background.step(transactions)
    assert await board.notices(board.carla) == []
    assert len(await board.notices(board.dan)) == 2
    assert not await matches.step(transactions)
    assert await board.rows("select count(*) from withdrawn_match") == [(0,)]
    assert await board.rows("select count(*) from counted_message") == [(2,)]
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update counted_message set at = $1", (old,))
    assert not await background.step(transactions)
    assert await board.rows("select count(*) from counted_message") == [(0,)]
    await board.consume(board.sent(board.written("applicant"), at=old))
    assert await board.notices(board.carla) == [], "an old event makes no notice"
