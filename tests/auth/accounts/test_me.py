"""The caller's account, as currently stored."""

from uuid import uuid4

from hirewire.auth.roles.commands import make_employer
from tests.auth.conftest import Auth, MovedClock
from tests.services import token_for


async def test_the_token_identifies_the_account_and_the_database_has_its_role(auth: Auth) -> None:
    id = await auth.register()
    tokens = await auth.login()
    answer = await auth.me(tokens["accessToken"])
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(id),
        "email": "anna@example.org",
        "role": "applicant",
        "emailVerified": False,
        "pendingEmail": None,
        "hasPassword": True,
        "language": None,
        "timeZone": None,
    }
    async with auth.service.messaging.transactions() as tx:
        await make_employer(tx, id)
    assert (await auth.me(tokens["accessToken"])).json()["role"] == "employer"


async def test_without_a_token_the_request_is_refused(auth: Auth) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}):
        answer = await auth.client.get("/api/auth/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_forged_token_is_refused(auth: Auth) -> None:
    """The token is signed by a key that was never published."""
    await auth.register()
    signed, _, signature = (await auth.login())["accessToken"].rpartition(".")
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    for token in (token_for(uuid4()), "a.b.c", "x", f"{signed}.{changed}"):
        answer = await auth.me(token)
        assert answer.status_code == 401, token
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_an_expired_token_is_refused(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    token = (await auth.login())["accessToken"]
    clock.forward(minutes=9, seconds=50)
    assert (await auth.me(token)).status_code == 200
    clock.forward(seconds=20)
    assert (await auth.me(token)).status_code == 401


async def test_a_deleted_account_is_refused(auth: Auth) -> None:
    id = await auth.register()
    token = (await auth.login())["accessToken"]
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("delete from user_account where id = $1", (id,))
    assert (await auth.me(token)).status_code == 401
