"""Uses the pages without a browser."""

from typing import Any
from urllib.parse import urlencode

import httpx

from hirewire.kit.notices import notice
from hirewire.web.sessions import ACCESS
from tests.journeys.people import PASSWORD


async def sign_up(client: httpx.AsyncClient, email: str, **more: str) -> httpx.Response:
    agreed = {"consent": notice(None).version}
    data = {"email": email, "password": PASSWORD, **agreed, **more}
    return await client.post("/signup", data=data)


async def hires(
    client: httpx.AsyncClient,
    email: str = "boss@example.org",
    company: str = "Acme",
    phone: str = "",
) -> None:
    await sign_up(client, email)
    answer = await client.post("/employer", data={"companyName": company, "phone": phone})
    assert answer.headers["location"].startswith("/employer")


async def page(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def post(
    client: httpx.AsyncClient, path: str, pairs: list[tuple[str, Any]], **headers: str
) -> httpx.Response:
    return await client.post(
        path,
        content=urlencode(pairs),
        headers={"Content-Type": "application/x-www-form-urlencoded"} | headers,
    )


async def api(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    """A client of the API with the session's token."""
    headers = {"Authorization": f"Bearer {client.cookies[ACCESS]}"}
    answer = await client.request(method, f"/api{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None
