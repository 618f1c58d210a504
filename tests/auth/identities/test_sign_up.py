"""Sign-up at a provider: somebody new agrees to the notice, by a ticket."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from hirewire.auth.identities import commands
from tests.auth.conftest import Auth, MovedClock
from tests.auth.identities.conftest import (
    VERSION,
    ask,
    begin,
    brought,
    code_of,
    counts,
    finish,
    sign_in,
    sign_up,
)
from tests.auth.openid_provider import FakeProvider


async def test_somebody_new_gets_an_account_with_a_verified_address(
    auth: Auth, fake: FakeProvider
) -> None:
    listed = await auth.client.get("/api/auth/providers")
    assert listed.json()["items"][0] == {"id": "example", "name": "Example ID"}
    begun = await begin(auth)
    query = parse_qs(urlsplit(begun["url"]).query)
    assert query["redirect_uri"] == ["http://127.0.0.1:8000/signin/from/example"]
    asked = await finish(auth, brought(fake, begun))
    assert code_of(asked) == (401, "consent_needed")
    assert (asked.json()["email"], "accessToken" in asked.json()) == ("anna@example.org", False)
    assert (await counts(auth))[:3] == (0, 0, 0)
    for consent in ("an older one", ""):
        refused = await sign_up(auth, asked.json()["ticket"], consent)
        assert code_of(refused) == (409, "consent_outdated")
    answer = await sign_up(auth, asked.json()["ticket"])
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert await auth.rows("select version from consent") == [(VERSION,)]
    me = (await auth.me(answer.json()["accessToken"])).json()
    assert (me["email"], me["emailVerified"], me["hasPassword"]) == (
        "anna@example.org",
        True,
        False,
    )
    events = await auth.rows("select type from messaging.log where type = 'user.registered'")
    assert len(events) == 1
    again = await sign_in(auth, fake)
    assert (await auth.me(again.json()["accessToken"])).json()["id"] == me["id"]
    stored = str(await auth.rows("select t::text from identity as t"))
    assert begun["attempt"] not in stored


async def test_tickets_at_once_make_one_account(auth: Auth, fake: FakeProvider) -> None:
    tickets = [await ask(auth, fake) for _ in range(2)] * 2
    answers = await asyncio.gather(*(sign_up(auth, ticket) for ticket in tickets))
    assert sorted(one.status_code for one in answers) == [200, 410, 410, 410]
    assert (await counts(auth))[:3] == (1, 1, 1)
    bodies = [brought(fake, await begin(auth)) for _ in range(4)]
    answers = await asyncio.gather(*(finish(auth, body) for body in bodies))
    assert [one.status_code for one in answers] == [200] * 4
    assert (await counts(auth))[:3] == (1, 1, 5)


async def test_a_ticket_works_once_for_a_short_time_and_one_provider(
    auth: Auth, fake: FakeProvider, clock: MovedClock
) -> None:
    ticket = await ask(auth, fake)
    stored = str(
        await auth.rows("select t::text, encode(identity, 'escape') from sign_up_ticket t")
    )
    assert ticket not in stored
    assert "anna@" not in stored
    for foreign in (await sign_up(auth, ticket, path="/providers/other"), await sign_up(auth, "x")):
        assert code_of(foreign) == (410, "sign_in_expired")
    await auth.register()  # meanwhile: the address is somebody's who has not verified it
    assert code_of(await sign_up(auth, ticket)) == (409, "connect_first")
    fake.user |= {"sub": "u9", "email": "new@example.org"}
    late, used = await ask(auth, fake), await ask(auth, fake)
    clock.forward(minutes=9, seconds=59)
    assert (await sign_up(auth, used)).status_code == 200
    assert code_of(await sign_up(auth, used)) == (410, "sign_in_expired")
    clock.forward(seconds=2)
    assert code_of(await sign_up(auth, late)) == (410, "sign_in_expired")
    async with auth.service.messaging.transactions() as tx:
        await commands.prune(tx)
    assert await auth.rows("select 1 from sign_up_ticket") == []
