"""API keys and webhooks: those of the key's company alone, within its scopes."""

from typing import Any
from uuid import UUID, uuid4

from fastapi.routing import APIRoute

from hirewire.notifications.app import SERVICE
from tests.notifications.webhooks.conftest import APPLIED, Hooks

ALL = " ".join(SERVICE.for_keys)


async def test_a_key_manages_the_webhooks_of_its_company(hooks: Hooks) -> None:
    company = await _company(hooks, hooks.board.carla)
    made = await hooks.create()
    key = {"company_id": str(company), "key_name": "ATS", "scope": ALL}

    async def call(method: str, path: str = "", body: object = None, expect: int = 200) -> Any:
        return await hooks.call(uuid4(), method, path, body, expect=expect, **key)

    assert [one["id"] for one in (await call("GET"))["items"]] == [made["id"]]
    body = {"url": hooks.receiver.url, "events": list(APPLIED)}
    own = await call("POST", body=body, expect=201)
    assert (await call("PATCH", f"/{own['id']}", {"on": False}))["on"] is False
    await call("POST", body=body | {"owner": "board"}, expect=403)
    await call("GET", "?owner=board", expect=403)

    key["company_id"] = str(uuid4())
    assert (await call("GET", expect=403))["code"] == "company_inactive"
    key["company_id"] = str(company)
    key["scope"] = "webhooks:read"
    assert (await call("DELETE", f"/{own['id']}", expect=403))["code"] == "insufficient_scope"
    await hooks.execute("update person set is_blocked = true")
    assert (await call("GET", expect=403))["code"] == "company_inactive"


async def _company(hooks: Hooks, user: UUID) -> UUID:
    async with hooks.board.service.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "select company_id from employer where user_id = $1", (user,)
        )
        return UUID(str(found.scalar_one()))


def test_the_routes_for_keys_exist_and_are_those_of_webhooks_alone() -> None:
    known = {
        f"{method} {route.path}"
        for router in SERVICE.routes
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    listed = {route for routes in SERVICE.for_keys.values() for route in routes}
    assert listed <= known
    assert listed == {one for one in known if "/api/notifications/webhooks" in one}
