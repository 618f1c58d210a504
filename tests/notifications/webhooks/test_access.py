"""Whose webhooks are whose, what is refused, and what an erasure leaves."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from hirewire.contracts.auth import UserErased, UserRegistered, UserRoleChanged
from hirewire.contracts.vacancies import ApplicationAnonymised, EmployerProfileCreated
from hirewire.kit.clock import now
from tests.notifications.webhooks.conftest import Hooks

BODY = {"url": "https://example.org/hook", "events": ["application.submitted"]}
# Method and path below a webhook -> body, and the status for somebody of its company
ROUTES: dict[tuple[str, str], tuple[object, int]] = {
    ("GET", ""): (None, 200),
    ("PATCH", ""): ({"events": ["vacancy.closed"]}, 200),
    ("GET", "/deliveries"): (None, 200),
    ("GET", "/deliveries/{delivery}"): (None, 200),
    ("POST", "/deliveries/{delivery}/replay"): (None, 404),
    ("POST", "/replay"): (None, 200),
    ("POST", "/ping"): (None, 202),
    ("POST", "/rotate"): (None, 200),
    ("DELETE", ""): (None, 204),
}


async def test_nobody_else_reads_or_changes_a_companys_webhook(hooks: Hooks) -> None:
    board = hooks.board
    eve = uuid4()
    await board.consume(
        UserRegistered(id=eve, email="eve@example.org"),
        EmployerProfileCreated(user_id=eve, company_id=uuid4(), phone=None, company_name="Evil"),
    )
    made = await hooks.create()
    await board.consume(board.submitted())
    await hooks.work()
    [delivery] = await hooks.deliveries(made["id"])
    operator = {"role": "admin"}
    for (method, path), (body, good) in ROUTES.items():
        url = f"/{made['id']}{path}".replace("{delivery}", delivery["id"])
        anonymous = await board.service.client.request(
            method, f"/api/notifications/webhooks{url}", json=body
        )
        assert anonymous.status_code == 401
        for user, claims in ((board.anna, {}), (eve, {}), (uuid4(), operator)):
            refused = await hooks.call(user, method, url, body, expect=404, **claims)
            assert refused["code"] == "webhook_not_found"
        token = {"scope": "notifications:read notifications:write"}
        await hooks.call(board.carla, method, url, body, expect=403, **token)
        await hooks.call(board.dan, method, url, body, expect=good)
    assert await hooks.call(eve, "GET") == {"items": []}
    mine = await hooks.call(eve, "POST", body=BODY, expect=201)
    other = f"/{mine['id']}/deliveries/{delivery['id']}"
    await hooks.call(eve, "GET", other, expect=404)
    for method, body in (("GET", None), ("POST", BODY)):
        refused = await hooks.call(board.anna, method, "", body, expect=403)
        assert refused["code"] == "not_an_employer"


async def log(
    hooks: Hooks, user: UUID, query: str = "", *, expect: int = 200, **claims: object
) -> list[dict[str, Any]]:
    """What operators have done here, the last act first."""
    service = hooks.board.service
    answer = await service.client.get(
        f"/api/notifications/admin/audit{query}", headers=service.as_user(user, **claims)
    )
    assert answer.status_code == expect, answer.text
    found: list[dict[str, Any]] = answer.json().get("items", [])
    return found


async def test_the_boards_webhooks_are_the_operators(hooks: Hooks) -> None:
    board = hooks.board
    root = uuid4()
    of_board = {**BODY, "url": hooks.receiver.url, "owner": "board"}
    body = {**of_board, "events": ["user.registered", "application.submitted"]}
    for user in (board.carla, root):
        refused = await hooks.call(user, "POST", "", body, expect=403)
        assert refused["code"] == "not_an_operator"
    made = await hooks.call(root, "POST", "", body, expect=201, role="admin")
    await board.consume(UserRegistered(id=(ivan := uuid4()), email="ivan@example.org"))
    await board.consume(board.submitted())
    await hooks.work()
    got = {body["type"]: body["data"] for body in hooks.receiver.verified(made["secret"])}
    assert got["user.registered"] == {"id": str(ivan)}
    assert got["application.submitted"]["userId"] == str(board.anna)
    assert "ivan@" not in str(await board.rows("select body from webhook_delivery"))

    await hooks.call(root, "PATCH", f"/{made['id']}", {"on": False}, role="admin")
    changes = {"on": True, "events": ["user.registered"]}
    await hooks.call(root, "PATCH", f"/{made['id']}", changes, role="admin")
    await hooks.call(root, "POST", f"/{made['id']}/rotate", role="admin")
    second = await hooks.call(root, "POST", "", body, expect=201, role="admin")
    await hooks.call(root, "DELETE", f"/{second['id']}", expect=204, role="admin")
    # Of companies' webhooks nothing is logged.
    await hooks.create()
    acts = await log(hooks, root, role="admin")
    assert [one["act"] for one in reversed(acts)] == [
        "webhook_made",
        "webhook_switched_off",
        "webhook_changed",
        "webhook_switched_on",
        "webhook_secret_made",
        "webhook_made",
        "webhook_deleted",
    ]
    assert {one["operatorId"] for one in acts} == {str(root)}
    assert {one["subjectId"] for one in acts} == {made["id"], second["id"]}
    assert acts[-1]["details"] == {
        "host": "127.0.0.1",
        "events": "application.submitted, user.registered",
    }
    assert made["secret"] not in str(acts)
    assert await log(hooks, root, f"?user={root}", role="admin") == [], "done to nobody"
    await log(hooks, board.carla, expect=403)

    await board.consume(UserRoleChanged(user_id=root, role="applicant"))
    await hooks.call(root, "GET", f"/{made['id']}", expect=404, role="admin")
    await hooks.call(root, "GET", "?owner=board", expect=403, role="admin")
    await board.consume(UserRoleChanged(user_id=root, role="admin"))
    assert len((await hooks.call(root, "GET", "?owner=board"))["items"]) == 1
    for event in ("signing_key.published", "user.email_changed", "user.erased", "no.such"):
        bad = {**of_board, "events": [event]}
        refused = await hooks.call(root, "POST", "", bad, expect=422)
        assert refused["errors"][0]["code"] == "event_not_offered"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://127.0.0.1.example.org/"}, None),
        ({"url": "https://10.0.0.1/"}, "address_refused"),
        ({"url": "https://[::1]/"}, "address_refused"),
        ({"url": "https://169.254.169.254/latest"}, "address_refused"),
        ({"url": "ftp://example.org/"}, "url_not_https"),
        ({"url": "https://a:b@example.org/"}, "url_with_password"),
        ({"url": "https://example.org:25/"}, "port_refused"),
        ({"url": "https://example.org/\r\nX: y"}, "url_invalid"),
        ({"url": "https://example.org/" + "a" * 2000}, "string_too_long"),
        ({"url": ""}, "string_too_short"),
        ({"events": []}, "too_short"),
        ({"events": ["user.registered"]}, "event_not_offered"),
        ({"owner": "me"}, "literal_error"),
    ],
)
async def test_what_cannot_be_a_webhook(
    hooks: Hooks, change: dict[str, object], code: str | None
) -> None:
    body = {**BODY, **change}
    if code is None:
        await hooks.call(hooks.board.carla, "POST", "", body, expect=201)
        return
    refused = await hooks.call(hooks.board.carla, "POST", "", body, expect=422)
    assert refused["errors"][0]["code"] == code


async def test_limits(hooks: Hooks) -> None:
    carla = hooks.board.carla
    for _ in range(10):
        made = await hooks.call(carla, "POST", "", BODY, expect=201)
    refused = await hooks.call(carla, "POST", "", BODY, expect=409)
    assert refused["code"] == "too_many_webhooks"
    for _ in range(30):
        await hooks.call(carla, "POST", f"/{made['id']}/ping", expect=202)
    refused = await hooks.call(carla, "POST", f"/{made['id']}/ping", expect=429)
    assert refused["code"] == "too_many_pings"


async def test_an_erased_person_is_in_no_delivery_and_no_answer(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create((*(BODY["events"]), "recommendation.created", "vacancy.closed"))
    hooks.receiver.answer = lambda _: web.Response(text=f"known as {str(board.anna).upper()}")
    await board.consume(board.submitted(), board.matched())
    await hooks.call(board.carla, "POST", f"/{made['id']}/ping", expect=202)
    await hooks.work()
    board.application = uuid4()
    await board.consume(board.submitted())  # it waits
    await board.consume(UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now()))
    await hooks.work()
    for table in ("webhook_delivery", "webhook_attempt"):
        for id in (board.anna, board.resume, board.application):
            found = await board.rows(
                f"select 1 from {table} t where strpos(lower(t::text), $1) > 0", str(id)
            )
            assert not found, (table, id)
    assert len(hooks.receiver.requests) == 3
    assert [one["event"] for one in await hooks.deliveries(made["id"])] == ["webhook.ping"]
    assert await board.rows("select 1 from webhook_lane") == []


async def test_a_company_that_nobody_is_left_of_has_no_webhooks(hooks: Hooks) -> None:
    board = hooks.board
    await hooks.create()
    await board.consume(UserErased(user_id=board.carla, erasure_id=uuid4(), erased_at=now()))
    assert await board.rows("select count(*) from webhook") == [(1,)], "Dan is there"
    await board.consume(UserErased(user_id=board.dan, erasure_id=uuid4(), erased_at=now()))
    for table in ("webhook", "webhook_secret"):
        assert await board.rows(f"select count(*) from {table}") == [(0,)]


async def test_an_anonymised_application_is_forgotten(hooks: Hooks) -> None:
    board = hooks.board
    made = await hooks.create()
    await board.consume(board.submitted(), board.moved("response", "consider", "in_progress"))
    await hooks.work()
    await board.consume(
        ApplicationAnonymised(
            application_id=board.application, resume_id=board.resume, user_id=board.anna
        )
    )
    assert await hooks.deliveries(made["id"]) == []
