"""Signing in with a passkey, and each refusal."""

import asyncio
import json
from uuid import uuid4

from joserfc import jws

from hirewire.auth import limits
from tests.auth.conftest import Auth, MovedClock
from tests.auth.passkeys.authenticator import PRESENT, encoded
from tests.auth.passkeys.conftest import Person, authenticator, refused, sign_in, sign_in_options
from tests.auth.postbox import Postbox

REFUSED, UNKNOWN = (401, "passkey_refused"), (401, "passkey_unknown")
LATE, COPIED = (410, "passkey_too_late"), (401, "passkey_copied")


async def test_a_session_like_that_of_a_password(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    key = await anna.with_passkey()
    assert (await anna.listed())[0]["usedAt"] is None
    options = await sign_in_options(auth)
    assert (options["rpId"], options["userVerification"]) == ("jobs.example.org", "required")
    assert options["allowCredentials"] == []
    answer = await sign_in(auth, key.sign(options))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == set(await auth.login())
    claims = json.loads(jws.extract_compact(tokens["accessToken"].encode()).payload)
    assert (claims["iss"], claims["amr"]) == ("https://jobs.example.org", ["mfa"])
    assert (await auth.me(tokens["accessToken"])).json()["email"] == "anna@example.org"
    assert (await auth.refresh(tokens["refreshToken"])).status_code == 200
    assert (await anna.listed())[0]["usedAt"] is not None
    assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200


async def test_an_answer_works_once(auth: Auth, clock: MovedClock) -> None:
    key = await (await Person.arrive(auth)).with_passkey()
    answer = key.sign(await sign_in_options(auth))
    at_once = await asyncio.gather(*(sign_in(auth, answer) for _ in range(4)))
    assert sorted(one.status_code for one in at_once) == [200, 410, 410, 410]
    assert refused(await sign_in(auth, answer)) == LATE
    late = key.sign(await sign_in_options(auth))
    clock.forward(minutes=5, seconds=1)
    assert refused(await sign_in(auth, late)) == LATE
    wrong = key.sign(options := await sign_in_options(auth))
    wrong["response"]["signature"] = encoded(b"wrong")
    assert refused(await sign_in(auth, wrong)) == REFUSED
    assert refused(await sign_in(auth, key.sign(options))) == LATE, "used up by the wrong one"


async def test_answers_of_other_sites_and_without_a_check_of_the_person(auth: Auth) -> None:
    key = await (await Person.arrive(auth)).with_passkey()
    good = (key.origin, key.site, key.flags, key.is_framed)
    for origin, site, flags, is_framed in (
        ("https://evil.example", *good[1:]),
        ("http://jobs.example.org", *good[1:]),
        (good[0], "evil.example", *good[2:]),
        (*good[:2], PRESENT, False),
        (*good[:2], 0, False),
        (*good[:3], True),
    ):
        key.origin, key.site, key.flags, key.is_framed = origin, site, flags, is_framed
        assert refused(await sign_in(auth, key.sign(await sign_in_options(auth)))) == REFUSED
    key.origin, key.site, key.flags, key.is_framed = good
    assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200


async def test_unknown_keys_and_keys_of_others(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    key, other = await anna.with_passkey(), authenticator()
    boris = await Person.arrive(auth, "boris@example.org")
    his = await boris.with_passkey()
    other.handle = key.handle
    unknown = await sign_in(auth, other.sign(await sign_in_options(auth)))
    assert refused(unknown) == UNKNOWN
    for handle in (his.handle, uuid4().bytes, b""):
        key.handle, mine = handle, key.handle
        assert refused(await sign_in(auth, key.sign(await sign_in_options(auth)))) == UNKNOWN
        key.handle = mine
    key.key, mine_too = his.key, key.key
    assert refused(await sign_in(auth, key.sign(await sign_in_options(auth)))) == REFUSED
    key.key = mine_too
    mixed = his.sign(await sign_in_options(auth))
    mixed["id"] = mixed["rawId"] = encoded(key.id)
    mixed["response"]["userHandle"] = encoded(key.handle)
    assert refused(await sign_in(auth, mixed)) == REFUSED
    assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200


async def test_a_counter_that_goes_backwards_is_refused_and_reported(
    auth: Auth, postbox: Postbox
) -> None:
    anna = await Person.arrive(auth)
    key = await anna.with_passkey()
    for _ in range(3):
        assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200
    key.counter -= 3
    forged = key.sign(await sign_in_options(auth))
    forged["response"]["signature"] = encoded(b"somebody without the key")
    assert refused(await sign_in(auth, forged)) == REFUSED
    assert refused(await sign_in(auth, key.sign(await sign_in_options(auth)))) == COPIED
    same = key.sign(await sign_in_options(auth))
    assert key.counter == 4
    assert refused(await sign_in(auth, same)) == COPIED
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects[1:] == ["A passkey of yours may have been copied"] * 2
    assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200


async def test_keys_that_do_not_count(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    key = authenticator()
    key.counts = False
    assert (await anna.add(key.make(await anna.options()))).status_code == 201
    for _ in range(2):
        assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200


async def test_failed_answers_count_as_failed_logins(auth: Auth, clock: MovedClock) -> None:
    key = await (await Person.arrive(auth)).with_passkey()
    for _ in range(limits.FAILURES_OF_PAIR):
        wrong = key.sign(await sign_in_options(auth))
        wrong["response"]["signature"] = ""
        assert refused(await sign_in(auth, wrong)) == REFUSED
    locked = await sign_in(auth, key.sign(await sign_in_options(auth)))
    assert refused(locked) == (429, "too_many_failures")
    assert (await auth.try_login()).status_code == 429
    clock.forward(minutes=16)
    assert (await sign_in(auth, key.sign(await sign_in_options(auth)))).status_code == 200
    assert await auth.rows("select count(*) from failed_login") == [(0,)]


async def test_a_network_asks_for_a_limited_number_of_challenges(auth: Auth) -> None:
    path = "/api/auth/login/passkey/options"
    async with (
        auth.from_address("203.0.113.9") as office,
        auth.from_address("203.0.113.8") as else_,
    ):
        assert (await office.post(path)).status_code == 200
        async with auth.service.engine.begin() as tx:
            await tx.exec_driver_sql(
                "insert into passkey_challenge select sha256(n::text::bytea), null, "
                "'203.0.113.9', now() + interval '4 minutes' from generate_series(1, 299) n"
            )
        assert refused(await office.post(path)) == (429, "too_many_failures")
        assert (await else_.post(path)).status_code == 200


async def test_no_secret_and_no_challenge_is_stored_readable(auth: Auth) -> None:
    await Person.arrive(auth)
    options = await sign_in_options(auth)
    [(stored,)] = await auth.rows("select hash from passkey_challenge")
    assert encoded(stored) != options["challenge"]
