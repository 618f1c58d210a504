"""A forgotten password: from the request to the login with the new one."""

import asyncio
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from hirewire.auth import limits, one_time
from hirewire.auth.credentials import password_fits
from hirewire.auth.logins import digest
from hirewire.auth.recovery import commands, routes
from hirewire.auth.recovery.background import send_links
from hirewire.auth.recovery.commands import LinkRequest
from hirewire.auth.sessions import routes as session_routes
from hirewire.kit.mail import queue
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox, plain

NEW = "a new horse battery"
ANNA = "anna@example.org"


async def forgot(
    auth: Auth,
    email: str = ANNA,
    client: httpx.AsyncClient | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    answer = await (client or auth.client).post(
        "/api/auth/password/forgot", json={"email": email}, headers=headers
    )
    assert answer.status_code == 202, answer.text
    return answer


async def reset(auth: Auth, token: str, password: str = NEW) -> httpx.Response:
    return await auth.client.post(
        "/api/auth/password/reset", json={"token": token, "password": password}
    )


async def token_of(postbox: Postbox) -> str:
    await forgot(postbox.auth)
    return (await postbox.tokens("/password/reset"))[-1]


def is_dead(answer: httpx.Response) -> bool:
    found: dict[str, Any] = answer.json()
    return answer.status_code == 410 and found["code"] == "invalid_link"


async def test_a_link_sets_a_new_password_and_ends_all_sessions(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    before = [await auth.login(), await auth.login()]
    token = await token_of(postbox)
    [mail] = await postbox.mails()
    assert mail["Subject"] == "Set a new password"
    assert f"http://127.0.0.1:8000/password/reset?token={token}" in plain(mail)

    assert (await reset(auth, token)).status_code == 204
    assert (await auth.try_login()).status_code == 401
    await auth.login(password=NEW)
    for tokens in before:
        assert (await auth.refresh(tokens["refreshToken"])).status_code == 401
    why = await auth.rows("select distinct revoked_why from session where revoked_at is not null")
    assert why == [("password reset",)]
    notice = (await postbox.mails())[1]
    assert notice["Subject"] == "Your password has been changed"
    assert "token=" not in plain(notice)
    assert "/password/forgot" in plain(notice)


async def test_mails_are_in_the_language_of_the_account(auth: Auth, postbox: Postbox) -> None:
    await auth.client.post(
        "/api/auth/register",
        json={"email": ANNA, "password": PASSWORD},
        headers={"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"},
    )
    await forgot(auth, headers={"Accept-Language": "en"})
    [mail] = await postbox.mails()
    assert mail["Subject"] == "Восстановление пароля"
    body = {"email": ANNA, "password": PASSWORD}
    await auth.client.post("/api/auth/login", json=body, headers={"Accept-Language": "en"})
    await forgot(auth)
    assert (await postbox.mails())[1]["Subject"] == "Set a new password"


async def test_the_mail_goes_to_the_stored_address_only(auth: Auth, postbox: Postbox) -> None:
    await auth.register("Anna@Example.org")
    await forgot(auth, "ANNA@example.ORG")
    [mail] = await postbox.mails("Anna@example.org")
    assert mail["To"] == "Anna@example.org"
    assert len(postbox.taken) == 1


async def test_used_expired_foreign_and_cut_off_links_are_refused_alike(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    await auth.register()
    used = await token_of(postbox)
    assert is_dead(await reset(auth, used[:-1]))
    assert (await reset(auth, used)).status_code == 204
    assert is_dead(await reset(auth, used, "another horse battery"))
    expired = await token_of(postbox)
    clock.forward(minutes=29, seconds=50)
    assert (await reset(auth, expired, "short")).status_code == 422
    clock.forward(seconds=11)
    assert is_dead(await reset(auth, expired))
    foreign = await token_of(postbox)
    async with auth.service.messaging.transactions() as tx:
        await tx.exec_driver_sql("update one_time_secret set purpose = 'something_else'")
    answers = [await reset(auth, token) for token in (foreign, "", "x" * 1000)]
    assert all(map(is_dead, answers))
    assert len({answer.content for answer in answers}) == 1
    await auth.login(password=NEW)


async def test_a_link_is_dead_once_the_address_has_changed(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    token = await token_of(postbox)
    async with auth.service.messaging.transactions() as tx:
        await tx.exec_driver_sql(
            "update user_account set email = 'b@example.org', email_key = 'b@example.org'"
        )
    assert is_dead(await reset(auth, token))


async def test_only_the_newest_link_works(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    first = await token_of(postbox)
    second = await token_of(postbox)
    assert is_dead(await reset(auth, first))
    assert (await reset(auth, second)).status_code == 204


async def test_of_two_resets_at_once_one_sets_the_password(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    token = await token_of(postbox)
    passwords = [f"horse battery number {n}" for n in range(4)]
    answers = await asyncio.gather(*(reset(auth, token, one) for one in passwords))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]
    [good] = [word for word, a in zip(passwords, answers, strict=True) if a.status_code == 204]
    await auth.login(password=good)
    assert len(await postbox.mails()) == 2


async def test_requests_at_once_leave_one_link(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    await asyncio.gather(*(forgot(auth) for _ in range(4)))
    tokens = await postbox.tokens("/password/reset")
    assert len(set(tokens)) == 4
    answers = [await reset(auth, token) for token in tokens]
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]


async def test_a_bad_password_leaves_the_link_usable(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    token = await token_of(postbox)
    for password, code in (("short", "string_too_short"), (ANNA.upper(), "password_is_email")):
        answer = await reset(auth, token, password)
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/password", code)
    assert (await reset(auth, token)).status_code == 204


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    known, unknown = await forgot(auth), await forgot(auth, "nobody@example.org")
    assert known.content == unknown.content
    assert known.headers.keys() == unknown.headers.keys()
    assert len(await postbox.mails()) == 1
    assert len(postbox.taken) == 1


async def test_the_account_is_looked_up_after_the_answer(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time of the answer would show whether there is one."""
    await auth.register()
    order: list[str] = []
    real = commands.send_next_link

    async def noted(*given: Any, **options: Any) -> bool:
        order.append("looked up")
        return await real(*given, **options)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            order.append(message["type"])
            await send(message)

        await auth.service.app(scope, receive, watched)

    monkeypatch.setattr(commands, "send_next_link", noted)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await forgot(auth, client=client)
    assert order == ["http.response.start", "http.response.body", "looked up"]


async def test_five_mails_an_hour_are_sent_to_an_account(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    await auth.register()
    for _ in range(limits.MAILS_TO_ACCOUNT + 2):
        await forgot(auth)
    assert len(await postbox.mails()) == limits.MAILS_TO_ACCOUNT == 5
    clock.forward(minutes=61)
    await forgot(auth)
    assert len(await postbox.mails()) == 6


async def test_twenty_mails_an_hour_may_be_asked_for_from_a_network(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    async with auth.from_address("203.0.113.9") as client:
        for n in range(limits.MAILS_FROM_NETWORK):
            await forgot(auth, f"nobody{n}@example.org", client)
        await forgot(auth, client=client)
        assert await postbox.mails() == []
    assert limits.MAILS_FROM_NETWORK == 20
    async with auth.from_address("203.0.113.10") as client:
        await forgot(auth, client=client)
    assert len(await postbox.mails()) == 1


async def test_the_owner_may_log_in_after_many_failures_of_others(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    token = await token_of(postbox)
    for _ in range(limits.FAILURES_OF_PAIR):
        await auth.try_login(password="not the password")
    assert (await auth.try_login()).status_code == 429
    await reset(auth, token)
    await auth.login(password=NEW)


async def test_a_login_with_the_old_password_does_not_outlive_the_reset(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    token = await token_of(postbox)

    async def slow(password: str, hashed: str | None) -> bool:
        fits = await password_fits(password, hashed)
        assert (await reset(auth, token)).status_code == 204
        return fits

    monkeypatch.setattr(session_routes, "password_fits", slow)
    assert (await auth.try_login()).status_code == 401
    assert await auth.rows("select 1 from session") == []


async def test_a_rollback_sends_nothing(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    with pytest.raises(RuntimeError):
        async with auth.service.messaging.transactions() as tx:
            await commands.request_link(tx, LinkRequest(ANNA, "https://x.example", "en"))
            await commands.send_next_link(tx)
            raise RuntimeError
    assert await postbox.mails() == []
    assert await auth.rows("select 1 from one_time_secret where purpose = 'password_reset'") == []


@pytest.mark.parametrize("email", [ANNA, "nobody@example.org"])
async def test_a_request_outlives_the_process_that_answered_it(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """It was killed after the answer: another one sends the mail."""
    await auth.register()
    with monkeypatch.context() as killed:
        killed.setattr(routes, "_send_link", _nothing)
        await forgot(auth, email)
    [row] = await auth.rows("select request from link_to_send")
    assert email.encode() not in row[0]
    transactions = auth.service.messaging.transactions
    assert [await send_links(transactions) for _ in range(2)] == [True, False]
    assert len(await postbox.mails()) == (email == ANNA)
    assert await auth.rows("select 1 from link_to_send") == []


async def _nothing(_: object) -> None:
    pass


async def test_a_request_that_waited_for_too_long_is_dropped(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch, clock: MovedClock
) -> None:
    await auth.register()
    with monkeypatch.context() as killed:
        killed.setattr(routes, "_send_link", _nothing)
        await forgot(auth)
    clock.forward(minutes=31)
    assert await send_links(auth.service.messaging.transactions)
    assert await postbox.mails() == []


async def test_a_failed_mail_leaves_the_password_and_the_link(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    token = await token_of(postbox)
    with monkeypatch.context() as broken:
        broken.setattr(queue, "seal", None)
        assert (await reset(auth, token)).status_code == 500
    await auth.login()
    assert (await reset(auth, token)).status_code == 204


async def test_neither_tables_nor_events_nor_the_log_hold_a_secret(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    with capture_logs() as log:
        token = await token_of(postbox)
        await reset(auth, token[:-1])
        await reset(auth, token)
    written = [repr(log)]
    for table in ("one_time_secret", "mail_request", "kit.mail", "messaging.log"):
        written += [row[0] for row in await auth.rows(f"select t::text from {table} as t")]
    assert "/api/auth/password/reset" in written[0]
    for secret in (token, token[:-1], NEW):
        assert not [text for text in written if secret in text]
    hashed = digest(token).hex()
    [stored] = await auth.rows(
        "select encode(token_hash, 'hex') from one_time_secret where used_at is not null"
    )
    assert stored == (hashed,)


async def test_old_secrets_and_requests_are_deleted(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    await auth.register()
    await token_of(postbox)
    counts = """
    select (select count(*) from one_time_secret where purpose = 'password_reset'),
        (select count(*) from mail_request)
    """
    clock.forward(minutes=31)
    async with auth.service.messaging.transactions() as tx:
        await one_time.prune(tx)
    assert await auth.rows(counts) == [(0, 1)]
    clock.forward(minutes=30)
    async with auth.service.messaging.transactions() as tx:
        await one_time.prune(tx)
    assert await auth.rows(counts) == [(0, 0)]
