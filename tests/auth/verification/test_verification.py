"""A verified address: by the link or the code of the mail that a registration sends."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jws
from structlog.testing import capture_logs

from hirewire.auth import limits
from hirewire.auth.accounts import commands as accounts
from hirewire.auth.verification import rules
from hirewire.kit.secrets import use_keys
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox, plain, sending

ANNA = "anna@example.org"
PATH = "/email/verify"


@pytest.fixture
async def postbox(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Postbox]:
    async with sending(auth, monkeypatch, ignored=()) as box:
        yield box


async def verify(auth: Auth, access: str | None = None, **proof: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {access}"} if access else {}
    return await auth.client.post("/api/auth/email/verify", json=proof, headers=headers)


async def send_again(auth: Auth, access: str) -> None:
    answer = await auth.client.post(
        "/api/auth/email/verification", headers={"Authorization": f"Bearer {access}"}
    )
    assert answer.status_code == 202, answer.text


async def codes(postbox: Postbox, to: str = ANNA) -> list[str]:
    return re.findall(r"^ {4}(\d{6})\s*$", "\n".join(await postbox.texts(to)), re.M)


def claim(access: str) -> object:
    return json.loads(jws.extract_compact(access.encode()).payload)["email_verified"]


async def is_verified(auth: Auth) -> bool:
    tokens = await auth.login()
    mine: dict[str, Any] = (await auth.me(tokens["accessToken"])).json()
    assert mine["emailVerified"] is claim(tokens["accessToken"])
    return bool(mine["emailVerified"])


async def test_a_registration_sends_a_link_that_works_without_a_session(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    [mail] = await postbox.mails()
    assert mail["Subject"] == "Confirm your email address"
    [token] = await postbox.tokens(PATH)
    assert f"http://127.0.0.1:8000/email/verify?token={token}" in plain(mail)
    assert not await is_verified(auth)
    before = await auth.login()
    assert (await verify(auth, token=token)).status_code == 204
    assert await is_verified(auth)
    assert claim(before["accessToken"]) is False
    assert claim((await auth.refresh(before["refreshToken"])).json()["accessToken"]) is True
    again = await verify(auth, token=token)
    assert (again.status_code, again.json()["code"]) == (410, "invalid_link")


async def test_a_code_needs_the_session_of_its_user(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    await auth.register("other@example.org")
    [code] = await codes(postbox)
    access = (await auth.login())["accessToken"]
    other = (await auth.login("other@example.org"))["accessToken"]
    assert (await verify(auth, code=code)).status_code == 401
    wrong = await verify(auth, other, code=code)
    assert (wrong.status_code, wrong.json()["code"]) == (410, "invalid_code")
    assert (await verify(auth, access, code=f" {code[:3]} {code[3:]} ")).status_code == 204
    assert await is_verified(auth)
    assert (await verify(auth, access, code=code)).status_code == 410


async def test_after_five_wrong_codes_only_the_link_works(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    [code] = await codes(postbox)
    [token] = await postbox.tokens(PATH)
    access = (await auth.login())["accessToken"]
    wrong = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 9)]
    answers = await asyncio.gather(*(verify(auth, access, code=one) for one in wrong))
    assert {answer.status_code for answer in answers} == {410}
    stored = await auth.rows("select attempts from one_time_secret")
    assert stored == [(rules.MOST_ATTEMPTS,)] == [(5,)]
    assert (await verify(auth, access, code=code)).status_code == 410
    assert (await verify(auth, token=token)).status_code == 204


async def test_a_code_works_for_half_an_hour_and_a_link_for_a_day(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    for email, minutes, statuses in (
        ("a@example.org", 29, (204, 410)),
        ("b@example.org", 31, (410, 204)),
        ("c@example.org", 23 * 60, (410, 204)),
        ("d@example.org", 24 * 60 + 1, (410, 410)),
    ):
        await auth.register(email)
        [code] = await codes(postbox, email)
        [token] = await postbox.tokens(PATH, email)
        clock.forward(minutes=minutes)
        await auth.ensure_key()
        access = (await auth.login(email))["accessToken"]
        by_code = await verify(auth, access, code=code)
        by_link = await verify(auth, token=token)
        assert (by_code.status_code, by_link.status_code) == statuses, email


async def test_a_new_mail_makes_the_earlier_one_invalid(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    await send_again(auth, access)
    first, second = await postbox.tokens(PATH)
    assert (await verify(auth, token=first)).status_code == 410
    assert (await verify(auth, token=second)).status_code == 204
    await send_again(auth, access)
    assert len(await postbox.mails()) == 2, "nothing is sent once it is verified"


async def test_five_mails_an_hour_are_sent_again(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    for _ in range(limits.MAILS_TO_ACCOUNT + 2):
        await send_again(auth, access)
    assert len(await postbox.mails()) == 1 + limits.MAILS_TO_ACCOUNT


async def test_a_link_for_another_purpose_or_address_is_refused(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    [token] = await postbox.tokens(PATH)
    body = {"token": token, "password": "a new horse battery"}
    assert (await auth.client.post("/api/auth/password/reset", json=body)).status_code == 410
    access = (await auth.login())["accessToken"]
    [code] = await codes(postbox)
    async with auth.service.messaging.transactions() as tx:
        await tx.exec_driver_sql("update user_account set email_key = 'b@example.org'")
    assert (await verify(auth, token=token)).status_code == 410
    assert (await verify(auth, access, code=code)).status_code == 410


async def test_a_password_reset_proves_the_address_too(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    await auth.client.post("/api/auth/password/forgot", json={"email": ANNA})
    [token] = await postbox.tokens("/password/reset")
    body = {"token": token, "password": PASSWORD}
    assert (await auth.client.post("/api/auth/password/reset", json=body)).status_code == 204
    assert await is_verified(auth)


async def test_a_rolled_back_registration_sends_nothing(auth: Auth, postbox: Postbox) -> None:
    with pytest.raises(RuntimeError):
        async with auth.service.messaging.transactions() as tx:
            await accounts.register(tx, email=ANNA, password_hash="x", public_url="https://x.org")
            raise RuntimeError
    await auth.register("other@example.org")
    taken = await auth.client.post(
        "/api/auth/register", json={"email": "other@example.org", "password": PASSWORD}
    )
    assert taken.status_code == 409
    await postbox.mails()
    assert [(mail["To"], mail["Subject"]) for mail in postbox.taken] == [
        ("other@example.org", "Confirm your email address"),
        ("other@example.org", "You already have an account"),
    ]


async def test_without_a_secret_key_people_can_register(auth: Auth, postbox: Postbox) -> None:
    use_keys(None)
    with capture_logs() as log:
        await auth.register()
    assert [line["event"] for line in log if line["log_level"] == "warning"] == [
        "no mail can be sent"
    ]
    assert await postbox.mails() == []


@pytest.mark.parametrize("body", [{}, {"token": "a", "code": "b"}, {"code": 1}, {"other": "x"}])
async def test_one_proof_is_needed(auth: Auth, body: dict[str, Any]) -> None:
    answer = await auth.client.post("/api/auth/email/verify", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_neither_tables_nor_the_log_hold_a_secret(auth: Auth, postbox: Postbox) -> None:
    with capture_logs() as log:
        await auth.register()
        [code] = await codes(postbox)
        [token] = await postbox.tokens(PATH)
        await verify(auth, (await auth.login())["accessToken"], code=code)
    written = [repr(log)]
    for table in ("one_time_secret", "kit.mail", "messaging.log"):
        written += [row[0] for row in await auth.rows(f"select t::text from {table} as t")]
    assert not [text for text in written if token in text or re.search(rf"\b{code}\b", text)]
