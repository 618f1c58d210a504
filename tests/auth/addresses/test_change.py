"""Changing the address: confirmed by a mail to the new one, and noticed at the old one."""

import asyncio
import re
from collections import Counter
from typing import Any

import httpx
import pytest

from hirewire.auth.addresses.background import forget_step
from hirewire.contracts.auth import UserEmailChanged
from hirewire.messaging.testing import recorded
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox, plain

ANNA, NEW = "anna@example.org", "anna@new.example"
URL, PATH = "/api/auth/email", "/email/change"
ASKED, DONE = "Your address is about to change", "Your address has been changed"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


async def ask(
    auth: Auth, tokens: dict[str, Any], email: str = NEW, password: str = PASSWORD
) -> httpx.Response:
    body = {"email": email, "password": password}
    return await auth.client.post(URL, json=body, headers=bearer(tokens))


async def asked(auth: Auth, tokens: dict[str, Any], email: str = NEW) -> None:
    answer = await ask(auth, tokens, email)
    assert answer.status_code == 202, answer.text


async def confirm(auth: Auth, tokens: dict[str, Any] | None = None, **proof: str) -> httpx.Response:
    headers = bearer(tokens) if tokens else {}
    return await auth.client.post(f"{URL}/confirm", json=proof, headers=headers)


async def code_of(postbox: Postbox, to: str = NEW) -> str:
    codes = re.findall(r"^ {4}(\d{6})\s*$", "\n".join(await postbox.texts(to)), re.M)
    return str(codes[-1])


async def subjects(postbox: Postbox, to: str) -> list[str]:
    return [mail["Subject"] for mail in await postbox.mails(to)]


async def changes(auth: Auth) -> list[UserEmailChanged]:
    rows = await recorded(auth.service.engine, "user.email_changed")
    return [row.event for row in rows if isinstance(row.event, UserEmailChanged)]


async def test_the_link_changes_the_address_and_both_are_mailed(
    auth: Auth, postbox: Postbox
) -> None:
    id = await auth.register()
    tokens, other = await auth.login(), await auth.login()
    await asked(auth, tokens, "Anna@new.example")
    mine = (await auth.me(tokens["accessToken"])).json()
    assert (mine["email"], mine["pendingEmail"]) == (ANNA, "Anna@new.example")
    [token] = await postbox.tokens(PATH, "Anna@new.example")
    assert await subjects(postbox, ANNA) == [ASKED]
    assert "to Anna@new.example. python-httpx, network 127.0.0.0/24, " in " ".join(
        (await postbox.texts(ANNA))[0].split()
    )
    assert await changes(auth) == []
    assert (await confirm(auth, token=token)).status_code == 204
    assert (await confirm(auth, token=token)).status_code == 410

    mine = (await auth.me(tokens["accessToken"])).json()
    assert mine == mine | {
        "email": "Anna@new.example",
        "emailVerified": True,
        "pendingEmail": None,
    }
    [event] = await changes(auth)
    assert (event.user_id, event.email) == (id, "Anna@new.example")
    [row] = await recorded(auth.service.engine, "user.email_changed")
    assert set(row.body) == {"userId", "email", "at"}
    assert (row.key, row.sequence) == (str(id), 2)
    assert await subjects(postbox, ANNA) == [ASKED, DONE]
    assert (await auth.refresh(other["refreshToken"])).status_code == 200, "sessions stay"
    assert (await auth.try_login(ANNA)).status_code == 401
    await auth.login("anna@NEW.example")
    noted = await auth.rows("select what from security_event order by at, id")
    assert [what for (what,) in noted if "email" in what] == [
        *("email_change_requested", "email_changed"),
    ]
    assert await auth.rows("select count(*) from address_change") == [(0,)]


async def test_the_code_works_with_the_session_of_its_user(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    await auth.register()
    await auth.register("other@example.org")
    tokens, other = await auth.login(), await auth.login("other@example.org")
    await asked(auth, tokens)
    code = await code_of(postbox)
    assert (await confirm(auth, code=code)).status_code == 401
    assert (await confirm(auth, other, code=code)).status_code == 410
    wrong = [f"{(int(code) + n) % 10**6:06}" for n in range(1, 9)]
    answers = await asyncio.gather(*(confirm(auth, tokens, code=one) for one in wrong))
    assert {answer.status_code for answer in answers} == {410}
    assert (await confirm(auth, tokens, code=code)).status_code == 410, "guessed too often"
    await asked(auth, tokens)
    assert (await confirm(auth, tokens, code=f" {await code_of(postbox)} ")).status_code == 204
    await asked(auth, tokens, "third@example.org")
    [token] = await postbox.tokens(PATH, "third@example.org")
    clock.forward(minutes=31)
    assert (await confirm(auth, token=token)).status_code == 410
    await forget_step(auth.service.messaging.transactions)
    assert await auth.rows("select count(*) from address_change") == [(0,)]


async def test_it_needs_the_password_and_an_open_session(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    tokens, stolen = await auth.login(), await auth.login()
    wrong = await ask(auth, tokens, password="not the password")
    assert wrong.status_code == 422
    [error] = wrong.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/password", "wrong_password")
    same = await ask(auth, tokens, "ANNA@Example.org")
    assert [error["code"] for error in same.json()["errors"]] == ["same_address"]
    bad = await ask(auth, tokens, "nobody")
    assert [error["pointer"] for error in bad.json()["errors"]] == ["#/email"]
    await auth.client.delete("/api/auth/sessions", headers=bearer(tokens))
    assert (await ask(auth, stolen)).status_code == 401
    body = {"email": NEW, "password": PASSWORD}
    assert (await auth.client.post(URL, json=body)).status_code == 401
    assert await postbox.mails() == await postbox.mails(NEW) == []
    for n in range(7):
        answer = await ask(auth, tokens, f"n{n}@example.org")
        assert answer.status_code == (202 if n < 5 else 429), n
    assert answer.json()["code"] == "too_many_address_changes"
    assert 0 < int(answer.headers["retry-after"]) <= 3600


async def test_a_second_request_and_a_cancelled_one_kill_the_link(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    tokens = await auth.login()
    await asked(auth, tokens)
    await asked(auth, tokens, "second@example.org")
    [first] = await postbox.tokens(PATH, NEW)
    [second] = await postbox.tokens(PATH, "second@example.org")
    assert (await confirm(auth, token=first)).status_code == 410
    for _ in range(2):
        answer = await auth.client.delete(URL, headers=bearer(tokens))
        assert answer.status_code == 204
    assert (await auth.me(tokens["accessToken"])).json()["pendingEmail"] is None
    assert (await confirm(auth, token=second)).status_code == 410
    await asyncio.gather(*(ask(auth, tokens, f"p{n}@example.org") for n in range(3)))
    links = [token for n in range(3) for token in await postbox.tokens(PATH, f"p{n}@example.org")]
    answers = await asyncio.gather(*(confirm(auth, token=token) for token in links))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 410: 2}
    [event] = await changes(auth)
    assert (await auth.me(tokens["accessToken"])).json()["email"] == event.email


async def test_an_address_with_an_account_gets_the_same_answer_and_its_owner_a_mail(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    await auth.register("boris@пример.рф")
    tokens = await auth.login()
    free = await ask(auth, tokens, "free@example.org")
    taken = await ask(auth, tokens, "Boris@xn--e1afmkfd.xn--p1ai")
    assert (free.status_code, free.text) == (taken.status_code, taken.text)
    assert (await auth.me(tokens["accessToken"])).json()["pendingEmail"] is not None
    await postbox.mails()
    [mail] = [one for one in postbox.taken if "boris" in one["To"].lower()]
    assert mail["Subject"] == "You already have an account"
    assert PATH not in plain(mail)
    assert "anna" not in plain(mail)


async def test_an_address_that_is_taken_meanwhile_is_refused(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    await auth.register("boris@example.org")
    tokens, boris = await auth.login(), await auth.login("boris@example.org")
    await asked(auth, tokens)
    await asked(auth, boris)
    links = await postbox.tokens(PATH, NEW)
    answers = await asyncio.gather(*(confirm(auth, token=token) for token in links))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 409: 1}
    loser = tokens if answers[0].status_code == 409 else boris

    await asked(auth, loser, "late@example.org")
    [link] = await postbox.tokens(PATH, "late@example.org")

    async def sees_nobody(*_: object) -> bool:
        return False  # the other account is committed after this look

    await auth.register("late@example.org")
    assert (await confirm(auth, token=link)).status_code == 409
    monkeypatch.setattr("hirewire.auth.addresses.queries.has_another_owner", sees_nobody)
    refused = await confirm(auth, token=link)
    assert (refused.status_code, refused.json()["code"]) == (409, "email_taken")
    assert len(await changes(auth)) == 1


async def test_a_new_password_kills_the_change_that_a_thief_asked_for(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    thief = await auth.login()
    await asked(auth, thief)
    [link] = await postbox.tokens(PATH, NEW)
    await auth.client.post("/api/auth/password/forgot", json={"email": ANNA})
    [token] = await postbox.tokens("/password/reset", ANNA)
    body = {"token": token, "password": "a new horse battery"}
    assert (await auth.client.post("/api/auth/password/reset", json=body)).status_code == 204
    assert (await confirm(auth, token=link)).status_code == 410
    tokens = await auth.login(password=body["password"])
    assert (await auth.me(tokens["accessToken"])).json()["pendingEmail"] is None
    answer = await ask(auth, tokens, password=body["password"])
    assert answer.status_code == 202
    link = (await postbox.tokens(PATH, NEW))[-1]
    change = {"current": body["password"], "password": PASSWORD}
    done = await auth.client.post("/api/auth/password", json=change, headers=bearer(tokens))
    assert done.status_code == 204
    assert (await confirm(auth, token=link)).status_code == 410
    assert await changes(auth) == []


async def test_a_reset_for_the_old_address_dies_with_it(auth: Auth, postbox: Postbox) -> None:
    """Of a change and a reset at the same instant, one makes the link of the other invalid."""
    await auth.register()
    tokens = await auth.login()
    await auth.client.post("/api/auth/password/forgot", json={"email": ANNA})
    await asked(auth, tokens)
    [reset] = await postbox.tokens("/password/reset", ANNA)
    [link] = await postbox.tokens(PATH, NEW)
    body = {"token": reset, "password": "a new horse battery"}
    answers = await asyncio.gather(
        confirm(auth, token=link), auth.client.post("/api/auth/password/reset", json=body)
    )
    assert Counter(answer.status_code for answer in answers) == {204: 1, 410: 1}
    await auth.client.post("/api/auth/password/forgot", json={"email": ANNA})
    changed = len(await changes(auth))
    assert len(await postbox.tokens("/password/reset", ANNA)) == (1 if changed else 2)
