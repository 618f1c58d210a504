"""A board at an IP address: browsers have no passkeys there."""

import pytest

from tests.auth.conftest import PASSWORD, Auth
from tests.auth.passkeys.conftest import Person, authenticator, refused, sign_in


@pytest.fixture
def public_url() -> str:
    return "http://127.0.0.1:8000"


async def test_everything_is_refused_and_the_list_says_so(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    nothing = {"challenge": "AAAA", "user": {"id": "AAAA"}}
    key = authenticator()
    for answer in (
        await anna.ask("POST", "/options", {"password": PASSWORD}),
        await anna.add(key.make(nothing)),
        await auth.client.post("/api/auth/login/passkey/options"),
        await sign_in(auth, key.sign(nothing)),
    ):
        assert refused(answer) == (409, "no_passkeys_here")
    listed = await anna.ask("GET", "")
    assert listed.json() == {"items": [], "available": False}
