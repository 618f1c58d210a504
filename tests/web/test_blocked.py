"""Pages for somebody whom a service takes for blocked."""

from uuid import uuid4

import pytest
from starlette.types import Receive, Send

from tests.web.conftest import Front, Seen, Service, reply, serving
from tests.web.test_hardening import token

BLOCKED = b'{"status": 401, "code": "account_blocked"}'
JSON = (b"content-type", b"application/json")


async def refuse(_: Seen, receive: Receive, send: Send) -> None:
    """The service takes the person for blocked."""
    await reply(send, BLOCKED, JSON, status=401)


async def let_in(_: Seen, receive: Receive, send: Send) -> None:
    """The service knows the account."""
    await reply(send, b'{"id": "1", "email": "anna@example.org"}', JSON)


@pytest.mark.parametrize(
    ("says_auth", "status", "ends"), [(refuse, 403, True), (let_in, 503, False)]
)
async def test_a_session_ends_only_if_auth_says_so_too(
    front: Front, says_auth: object, status: int, ends: bool
) -> None:
    """Another service may have yet to learn that the person was unblocked."""
    front.service.answer = says_auth  # type: ignore[assignment]
    access = token('{"exp": 9999999999}')
    headers = {"Cookie": f"hirewire_access={access}; hirewire_refresh=old", "Accept": "text/html"}
    profiles = Service(refuse)
    async with serving(profiles, front.free_port):
        page = await front.client.get(f"/resumes/{uuid4()}", headers=headers)
    assert profiles.seen != []
    assert all(one.target.startswith(b"/api/profiles/") for one in profiles.seen)
    assert page.status_code == status
    assert ("Your account is blocked" in page.text) == ends
    assert any("hirewire_refresh=" in one for one in page.headers.get_list("set-cookie")) == ends
