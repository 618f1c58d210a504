"""Mails that notify the owner: of a sign-in from a new network, and of a locked account."""

import asyncio

import pytest

from hirewire.auth import limits
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox, plain

NEW = "New sign-in to your account"
LOCKED = "Wrong passwords for your account"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


async def subjects(postbox: Postbox) -> list[str]:
    return [mail["Subject"] for mail in await postbox.mails()]


async def sign_in(auth: Auth, address: str, language: str = "en") -> int:
    async with auth.from_address(address) as client:
        body = {"email": "anna@example.org", "password": PASSWORD}
        headers = {"User-Agent": FIREFOX, "Accept-Language": language}
        return (await client.post("/api/auth/login", json=body, headers=headers)).status_code


async def test_a_sign_in_from_a_new_network_is_mailed_but_not_the_first(
    auth: Auth, postbox: Postbox
) -> None:
    await auth.register()
    await sign_in(auth, "203.0.113.7")
    await sign_in(auth, "203.0.113.7")
    assert await subjects(postbox) == []
    await asyncio.gather(*(sign_in(auth, "198.51.100.77") for _ in range(4)))
    [mail] = await postbox.mails()
    assert mail["Subject"] == NEW
    text = " ".join(plain(mail).split())
    assert "Firefox · Linux, network 198.51.100.0/24, " in text
    assert " UTC. If it was you" in text
    assert "198.51.100.77" not in text
    assert f"{auth.service.app.state.settings.public_url}/account" in text
    noted = await auth.rows("select what from security_event order by at, id")
    assert sorted(what for (what,) in noted) == ["signed_in"] * 5 + ["signed_in_elsewhere"]


async def test_of_two_first_sign_ins_at_once_the_later_is_from_elsewhere(
    auth: Auth, postbox: Postbox
) -> None:
    """The second waits for the first, and must see what it has stored."""
    await auth.register()
    await asyncio.gather(sign_in(auth, "203.0.113.7"), sign_in(auth, "198.51.100.77"))
    noted = await auth.rows("select what from security_event order by what")
    assert [what for (what,) in noted] == ["signed_in", "signed_in_elsewhere"]
    assert await subjects(postbox) == [NEW]


async def test_three_mails_a_day_and_the_log_has_all(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    for n in range(limits.SIGN_IN_MAILS + 3):
        await sign_in(auth, f"198.51.{n}.1", "ru")
    mails = await postbox.mails()
    assert [mail["Subject"] for mail in mails] == ["Новый вход в ваш аккаунт"] * 3
    assert "Firefox · Linux, сеть 198.51." in " ".join(plain(mails[0]).split())
    noted = await auth.rows(
        "select count(*) from security_event where what = 'signed_in_elsewhere'"
    )
    assert noted == [(limits.SIGN_IN_MAILS + 2,)]


async def test_an_account_whose_networks_are_forgotten_is_not_new(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    """Somebody who returns after a year is notified, since a thief would come that late too."""
    await auth.register()
    await sign_in(auth, "203.0.113.7")
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("delete from known_place")
        await tx.exec_driver_sql(
            "update user_account set registered_at = now() - interval '1 year'"
        )
    await sign_in(auth, "203.0.113.7")
    assert await subjects(postbox) == [NEW]


async def test_a_failed_or_undone_sign_in_is_not_mailed(
    auth: Auth, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    await sign_in(auth, "203.0.113.7")
    async with auth.from_address("198.51.100.77") as client:
        await auth.try_login(password="not the password", client=client)

        async def cannot_sign(*_: object) -> None:
            raise RuntimeError("no key")

        monkeypatch.setattr("hirewire.auth.granting._tokens", cannot_sign)
        assert (await auth.try_login(client=client)).status_code == 500
    assert await subjects(postbox) == []
    places = await auth.rows("select count(*) from known_place")
    assert places == [(1,)], "nothing stays of what was rolled back"


async def test_a_lock_is_mailed_once_a_day(auth: Auth, postbox: Postbox, clock: MovedClock) -> None:
    await auth.register()
    await auth.login()

    async def lock() -> None:
        async with auth.from_address("198.51.100.77") as client:
            await asyncio.gather(
                *(
                    auth.try_login(email, "not the password", client=client)
                    for email in ("anna@example.org", "nobody@example.org")
                    for _ in range(limits.FAILURES_OF_PAIR + 2)
                )
            )

    await lock()
    [mail] = await postbox.mails()
    assert mail["Subject"] == LOCKED
    text = " ".join(plain(mail).split())
    assert "python-httpx, network 198.51.100.0/24, " in text
    clock.forward(minutes=16)
    await lock()
    assert await subjects(postbox) == [LOCKED]
    clock.forward(days=1)
    await lock()
    assert await subjects(postbox) == [LOCKED, LOCKED]
    noted = "select count(*) from security_event where what = 'sign_in_locked'"
    assert await auth.rows(f"{noted} and user_id is not null") == [(3,)]
    assert [mail["To"] for mail in postbox.taken] == ["anna@example.org"] * 2


async def test_a_device_cannot_write_the_mail(auth: Auth, postbox: Postbox) -> None:
    """The name of the device is the sender's text."""
    await auth.register()
    await auth.login()
    async with auth.from_address("198.51.100.77") as client:
        body = {"email": "anna@example.org", "password": PASSWORD}
        agent = "{network}<b>evil.example</b>"
        await client.post("/api/auth/login", json=body, headers={"User-Agent": agent})
    [mail] = await postbox.mails()
    part = mail.get_body(("html",))
    assert part is not None
    assert "<b>" not in str(part.get_content())
    assert "networkbevilexample, network 198.51.100.0/24" in " ".join(plain(mail).split())
