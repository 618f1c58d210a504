"""Turning two-step sign-in on and off, and new recovery codes."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from hirewire.auth.two_step.background import prune_step, seal_again_step
from hirewire.kit.secrets import use_keys
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox
from tests.auth.two_step.conftest import Anna, refused
from tests.services import SECRET_KEY

WRONG = (422, "wrong_code")


async def test_on_after_the_first_code_and_off_with_password_and_code(
    auth: Auth, clock: MovedClock, postbox: Postbox
) -> None:
    anna = await Anna.arrive(auth, clock)
    assert await anna.state() == {"on": False, "since": None, "recoveryCodesLeft": 0}
    assert refused(await anna.ask("", password="wrong")) == (422, "wrong_password")
    made = (await anna.ask("", password=PASSWORD)).json()
    address = urlsplit(made["address"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path == "/Hirewire:anna%40example.org"
    assert parse_qs(address.query) == {"secret": [made["secret"]], "issuer": ["Hirewire"]}
    await auth.login()  # not on yet
    earlier, anna.secret = made["secret"], ""
    await anna.begin()
    assert anna.secret != earlier
    assert refused(await anna.ask("/confirm", code="000000")) == WRONG
    assert refused(await anna.ask("/confirm", code="１２３４５６")) == WRONG
    answers = await asyncio.gather(*(anna.ask("/confirm", code=anna.code()) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert refused(await anna.ask("", password=PASSWORD)) == (409, "two_step_already_on")
    state = await anna.state()
    assert (state["on"], state["recoveryCodesLeft"]) == (True, 10)
    ticket = await anna.ticket()
    assert refused(await anna.enter(ticket, anna.code())) == WRONG, "confirmed with this one"

    clock.forward(seconds=30)
    off = {"password": PASSWORD, "code": anna.code()}
    assert refused(await anna.ask("/off", **off | {"code": "000000"})) == WRONG
    assert refused(await anna.ask("/off", **off | {"password": "wrong"})) == (422, "wrong_password")
    assert (await anna.ask("/off", **off)).status_code == 204
    assert refused(await anna.ask("/off", **off)) == (409, "two_step_not_on")
    await auth.login()
    assert await auth.rows("select count(*) from recovery_code") == [(0,)]
    assert refused(await anna.enter(ticket, anna.code())) == WRONG
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects == ["Two-step sign-in is on", "Two-step sign-in is off"]


async def test_a_secret_is_confirmed_within_half_an_hour(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.arrive(auth, clock)
    assert refused(await anna.ask("/confirm", code="000000")) == (409, "two_step_not_begun")
    await anna.begin()
    clock.forward(minutes=31)
    await auth.ensure_key()
    anna.headers = {"Authorization": f"Bearer {(await auth.login())['accessToken']}"}
    assert refused(await anna.ask("/confirm", code=anna.code())) == (409, "two_step_not_begun")
    await prune_step(auth.service.messaging.transactions)
    assert await auth.rows("select count(*) from second_factor") == [(0,)]


async def test_new_recovery_codes(auth: Auth, clock: MovedClock, postbox: Postbox) -> None:
    anna = await Anna.with_app(auth, clock)
    wrong = await anna.ask("/recovery-codes", password=PASSWORD, code="000000")
    assert refused(wrong) == WRONG
    made = await anna.ask("/recovery-codes", password=PASSWORD, code=anna.recovery_codes[0])
    codes = made.json()["recoveryCodes"]
    assert len(set(codes) - set(anna.recovery_codes)) == 10
    assert (await anna.state())["recoveryCodesLeft"] == 10
    ticket = await anna.ticket()
    assert refused(await anna.enter(ticket, anna.recovery_codes[1])) == WRONG
    assert (await anna.enter(ticket, codes[0])).status_code == 200
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects.count("You have new recovery codes") == 1


async def test_an_ended_session_changes_nothing(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    await auth.client.post("/api/auth/logout", headers=anna.headers)
    for _ in range(2):
        for path, body in (
            ("", {"password": PASSWORD}),
            ("/confirm", {"code": anna.code()}),
            ("/recovery-codes", {"password": PASSWORD, "code": anna.code()}),
            ("/off", {"password": PASSWORD, "code": anna.code()}),
        ):
            assert (await anna.ask(path, **body)).status_code == 401
        anna.headers = {}
    assert (await auth.client.get("/api/auth/two-step")).status_code == 401


async def test_a_copy_of_the_database_reveals_no_code(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    await anna.ticket()
    stored = str(
        [
            await auth.rows(f"select row_to_json(t)::text from {table} t")
            for table in ("second_factor", "recovery_code", "login_ticket")
        ]
    )
    for secret in (anna.secret, anna.secret.encode().hex(), *anna.recovery_codes):
        assert secret not in stored


async def test_secrets_outlive_the_key_they_were_encrypted_with(
    auth: Auth, clock: MovedClock
) -> None:
    anna = await Anna.with_app(auth, clock)
    new = "a new key of more than 32 characters"
    transactions = auth.service.messaging.transactions
    try:
        use_keys(f"{new},{SECRET_KEY}")
        await seal_again_step(transactions)
        await seal_again_step(transactions)
        use_keys(f"{new}")
        await auth.ensure_key()
        assert (await anna.enter(await anna.ticket(), anna.code())).status_code == 200
        code = anna.recovery_codes[0]
        assert (await anna.enter(await anna.ticket(), code)).status_code == 200
    finally:
        use_keys(SECRET_KEY)
