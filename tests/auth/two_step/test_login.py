"""Logging in with a password and a code."""

import asyncio

from hirewire.kit.secrets import use_keys
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox
from tests.auth.two_step.conftest import Anna, refused
from tests.services import SECRET_KEY

WRONG, EXPIRED = (422, "wrong_code"), (410, "login_expired")


async def test_the_ticket_of_a_password_and_a_code_are_a_session(
    auth: Auth, clock: MovedClock
) -> None:
    anna = await Anna.with_app(auth, clock)
    before = await auth.rows("select count(*) from session")
    answer = await auth.try_login()
    assert refused(answer) == (401, "second_factor_needed")
    assert answer.json()["expiresIn"] == 300
    ticket = answer.json()["ticket"]
    assert await auth.rows("select count(*) from session") == before
    assert (await auth.refresh(ticket)).status_code == 401
    assert (await auth.me(ticket)).status_code == 401
    code = anna.code()
    done = await anna.enter(ticket, f" {code[:3]} {code[3:]} ")
    assert done.status_code == 200, done.text
    assert done.headers["cache-control"] == "no-store"
    assert (await auth.me(done.json()["accessToken"])).json()["email"] == "anna@example.org"
    assert (await auth.refresh(done.json()["refreshToken"])).status_code == 200
    assert await auth.rows("select is_strong from session order by started_at desc limit 1") == [
        (True,)
    ]
    assert refused(await anna.enter(ticket, anna.code(seconds=30))) == EXPIRED
    assert await auth.rows("select count(*) from failed_login") == [(0,)]
    assert refused(await auth.try_login(password="wrong")) == (401, "wrong_credentials")


async def test_a_code_is_accepted_once(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    tickets = [await anna.ticket() for _ in range(3)]
    code = anna.code()
    answers = await asyncio.gather(*(anna.enter(ticket, code) for ticket in tickets))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    assert refused(await anna.enter(await anna.ticket(), code)) == WRONG
    older = anna.code(seconds=-30)
    assert refused(await anna.enter(await anna.ticket(), older)) == WRONG
    clock.forward(seconds=30)
    assert (await anna.enter(await anna.ticket(), anna.code())).status_code == 200


async def test_clocks_that_differ_by_a_minute(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    for seconds, good in ((-121, False), (-60, True), (0, True), (60, True), (91, False)):
        clock.forward(minutes=10)
        status = 200 if good else 422
        code = anna.code(seconds=seconds)
        assert (await anna.enter(await anna.ticket(), code)).status_code == status, seconds
    clock.forward(minutes=10)
    slow = anna.code(seconds=-60)
    clock.forward(seconds=25)  # the code is typed while the app shows the next one
    assert (await anna.enter(await anna.ticket(), slow)).status_code == 200


async def test_a_ticket_ends_after_five_minutes_and_five_wrong_codes(
    auth: Auth, clock: MovedClock, postbox: Postbox
) -> None:
    anna = await Anna.with_app(auth, clock)
    late = await anna.ticket()
    clock.forward(minutes=5, seconds=1)
    assert refused(await anna.enter(late, anna.code())) == EXPIRED
    ticket = await anna.ticket()
    wrong = [await anna.enter(ticket, f"{(int(anna.code()) + 7) % 10**6:06}") for _ in range(5)]
    assert [refused(one) for one in wrong] == [*[WRONG] * 4, EXPIRED]
    assert refused(await anna.enter(ticket, anna.code())) == EXPIRED
    assert refused(await anna.enter("made up", anna.code())) == EXPIRED
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects == ["Two-step sign-in is on", "Somebody may know your password"]
    assert (await anna.enter(await anna.ticket(), anna.code())).status_code == 200


async def test_wrong_codes_count_as_failed_logins(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    tickets = [await anna.ticket() for _ in range(2)]  # two attempts that are not complete
    for n in range(8):
        assert refused(await anna.enter(tickets[n % 2], "12345x")) == WRONG
    assert refused(await anna.enter(tickets[0], anna.code())) == (429, "too_many_failures")
    assert refused(await auth.try_login()) == (429, "too_many_failures")
    clock.forward(minutes=16)
    assert (await anna.enter(await anna.ticket(), anna.code())).status_code == 200


async def test_twenty_wrong_codes_a_day(auth: Auth, clock: MovedClock) -> None:
    """Somebody who knows the password guesses from many networks; the owner has recovery codes."""
    anna = await Anna.with_app(auth, clock)
    wrong = f"{(int(anna.code()) + 7) % 10**6:06}"
    for n in range(5):
        async with auth.from_address(f"198.51.100.{n}") as attacker:
            answer = await auth.try_login(client=attacker)
            for _ in range(4):
                body = {"ticket": answer.json()["ticket"], "code": wrong}
                guess = await attacker.post("/api/auth/login/second-factor", json=body)
                assert refused(guess) == WRONG
    blocked = await anna.enter(await anna.ticket(), anna.code())
    assert refused(blocked) == (429, "too_many_codes")
    assert 86_000 < int(blocked.headers["retry-after"]) <= 86_400
    assert (await anna.enter(await anna.ticket(), anna.recovery_codes[0])).status_code == 200
    clock.forward(days=1, seconds=1)
    await auth.ensure_key()
    assert (await anna.enter(await anna.ticket(), anna.code())).status_code == 200


async def test_each_recovery_code_works_once(
    auth: Auth, clock: MovedClock, postbox: Postbox
) -> None:
    anna = await Anna.with_app(auth, clock)
    assert len(set(anna.recovery_codes)) == 10
    first, second = anna.recovery_codes[:2]
    tickets = [await anna.ticket() for _ in range(3)]
    typed = first.upper().replace("-", " ")
    answers = await asyncio.gather(*(anna.enter(ticket, typed) for ticket in tickets))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    assert (await anna.enter(await anna.ticket(), second)).status_code == 200
    assert (await anna.state())["recoveryCodesLeft"] == 8
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects[1:] == ["A recovery code was used"] * 2


async def test_a_new_password_ends_logins_that_lack_a_code(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    ticket = await anna.ticket()
    body = {"current": PASSWORD, "password": "a new horse battery"}
    changed = await auth.client.post("/api/auth/password", json=body, headers=anna.headers)
    assert changed.status_code == 204, changed.text
    assert refused(await anna.enter(ticket, anna.code())) == EXPIRED


async def test_a_reset_password_does_not_turn_it_off(
    auth: Auth, clock: MovedClock, postbox: Postbox
) -> None:
    anna = await Anna.with_app(auth, clock)
    ticket = await anna.ticket()
    await auth.client.post("/api/auth/password/forgot", json={"email": "anna@example.org"})
    await postbox.mails()
    [token] = await postbox.tokens("/password/reset")
    new = {"token": token, "password": "a new horse battery"}
    assert (await auth.client.post("/api/auth/password/reset", json=new)).status_code == 204
    assert refused(await anna.enter(ticket, anna.code())) == EXPIRED
    answer = await auth.try_login(password=new["password"])
    assert refused(answer) == (401, "second_factor_needed")
    assert (await anna.enter(answer.json()["ticket"], anna.code())).status_code == 200


async def test_a_lost_key_lets_nobody_in_without_a_code(auth: Auth, clock: MovedClock) -> None:
    anna = await Anna.with_app(auth, clock)
    ticket = await anna.ticket()
    try:
        use_keys("another key of more than 32 characters")
        for code in (anna.code(), anna.recovery_codes[0]):
            assert refused(await anna.enter(ticket, code)) == WRONG
    finally:
        use_keys(SECRET_KEY)
    assert (await anna.enter(ticket, anna.code())).status_code == 200
