"""Mails that were not sent, as operators see them: API, commands, doctor and metrics."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prometheus_client import generate_latest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from hirewire.assembly import load_settings
from hirewire.auth.app import SERVICE
from hirewire.cli.mails import mails_app
from hirewire.kit.clock import now
from hirewire.kit.internal.mails import PREFIX
from hirewire.kit.mail import gauges, queue
from hirewire.kit.mail.addresses import masked
from hirewire.kit.mail.letters import Letter
from hirewire.kit.secrets import use_keys
from hirewire.launcher.doctor import examine
from tests.services import SECRET_KEY, Running, running

TOKEN = {"Authorization": "Bearer operators"}
SECRET = "https://jobs.example.org/verify?token=a-secret"


@pytest.fixture
async def auth(fresh_address: str) -> AsyncIterator[Running]:
    """The service `auth` with an operators' token, and no mailer at work."""
    async with running(SERVICE, fresh_address) as found:
        settings = found.app.state.settings
        found.app.state.settings = settings.model_copy(update={"operator_token": "operators"})
        yield found


async def mail(auth: Running, *, is_dead: bool = True, hours: float | None = None) -> UUID:
    """A mail that an hour-old attempt has given up, and whose link dies in so many hours."""
    letter = Letter(
        to="anna@example.org", language="en", subject="Hi", lines=["x"], button=("Go", SECRET)
    )
    expires_at = now() + timedelta(hours=hours) if hours is not None else None
    async with auth.messaging.transactions() as tx:
        id = await queue.send(tx, "test", letter, user_id=uuid4(), expires_at=expires_at)
        await tx.exec_driver_sql(
            "update kit.mail set created_at = created_at - interval '1 hour' where id = $1", (id,)
        )
        if is_dead:
            await tx.exec_driver_sql(
                "update kit.mail set state = 'dead', ended_at = now(), attempts = 9, "
                "error = 'the server answered 550' where id = $1",
                (id,),
            )
    return id


async def states(auth: Running) -> dict[UUID, str]:
    async with auth.messaging.transactions() as tx:
        rows = await tx.exec_driver_sql("select id, state from kit.mail")
        return {row.id: row.state for row in rows}


async def test_the_api_lists_dead_mails_without_their_text(auth: Running) -> None:
    dead, gone = await mail(auth), await mail(auth, hours=-1)
    waiting = await mail(auth, is_dead=False)
    assert (await auth.client.get(PREFIX)).status_code == 403
    assert (await auth.client.post(f"{PREFIX}/resend", json={})).status_code == 403
    answer = await auth.client.get(PREFIX, headers=TOKEN)
    found = answer.json()
    assert (found["queued"], found["dead"]) == (1, 2)
    assert 3600 <= found["oldestSeconds"] < 3700
    assert [one["id"] for one in found["items"]] == [str(gone), str(dead)]
    one = found["items"][1]
    assert (one["kind"], one["to"], one["attempts"]) == ("test", "a***@example.org", 9)
    assert (one["error"], one["expiresAt"]) == ("the server answered 550", None)
    for hidden in ("anna", "a-secret", "Hi"):
        assert hidden not in answer.text
    listed = await auth.client.get(f"{PREFIX}?state=queued", headers=TOKEN)
    assert [one["id"] for one in listed.json()["items"]] == [str(waiting)]

    body = {"ids": [str(dead), str(gone), str(waiting), str(uuid4())]}
    resent = await auth.client.post(f"{PREFIX}/resend", json=body, headers=TOKEN)
    assert resent.json() == {"queued": 1, "expired": 1}
    assert await states(auth) == {dead: "queued", gone: "expired", waiting: "queued"}
    again = await auth.client.post(f"{PREFIX}/resend", json={}, headers=TOKEN)
    assert again.json() == {"queued": 0, "expired": 0}


async def test_a_mail_of_a_lost_key_is_listed_without_its_reader(auth: Running) -> None:
    await mail(auth)
    use_keys("another key, of thirty-two characters")
    found = (await auth.client.get(PREFIX, headers=TOKEN)).json()
    use_keys(SECRET_KEY)
    assert [one["to"] for one in found["items"]] == [None]


async def test_the_commands_list_and_resend(
    auth: Running, fresh_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead, gone = await mail(auth), await mail(auth, hours=-1)
    given = {
        "HIREWIRE_DATABASE_URL": make_url(fresh_address).render_as_string(hide_password=False),
        "HIREWIRE_SECRET_KEY": SECRET_KEY,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    async def run(*arguments: str) -> tuple[int, str]:
        narrow = {"COLUMNS": "80"}  # a table into a pipe is not folded all the same
        chosen = [*arguments, *(() if "--service" in arguments else ("--service", "auth"))]
        done = await asyncio.to_thread(CliRunner().invoke, mails_app, chosen, env=narrow)
        return done.exit_code, done.output

    code, text = await run("list")
    assert code == 0
    assert str(dead) in text
    assert "a***@example.org" in text
    assert "the server answered 550" in text
    assert "anna" not in text
    assert (await run("list", "--waiting"))[1].strip() == "no waiting mails"
    assert (await run("resend"))[0] == 2
    assert (await run("list", "--service", "profiles"))[0] == 2
    checks = {check.name: check for check in await examine(load_settings(given), tmp_path, ())}
    assert (checks["mails of auth"].status, checks["mails of auth"].detail) == (
        *("warn", "0 waiting, 2 dead; see `hirewire mails list`"),
    )
    code, text = await run("resend", str(dead), str(uuid4()))
    assert (code, "1 will be sent again" in text, "1 are not dead" in text) == (1, True, True)
    code, text = await run("resend", "--all")
    assert code == 0
    assert "1 not: their links have died" in text
    assert await states(auth) == {dead: "queued", gone: "expired"}
    code, text = await run("hold-back")
    assert (code, text.strip()) == (0, "auth: 1 mails held back")
    assert await states(auth) == {dead: "dead", gone: "expired"}


async def test_gauges_show_what_is_not_sent(auth: Running) -> None:
    await mail(auth)
    await mail(auth, is_dead=False)
    await gauges.measure("auth", auth.messaging.transactions)
    lines = generate_latest().decode().splitlines()
    assert 'hirewire_mail_open{service="auth",state="dead"} 1.0' in lines
    assert 'hirewire_mail_open{service="auth",state="queued"} 1.0' in lines
    age_of_auth = 'hirewire_mail_oldest_seconds{service="auth"'
    [age] = [line for line in lines if line.startswith(age_of_auth)]
    assert 3600 <= float(age.split()[-1]) < 3700
    async with auth.messaging.transactions() as tx:
        await tx.exec_driver_sql("delete from kit.mail")
    await gauges.measure("auth", auth.messaging.transactions)
    assert 'hirewire_mail_oldest_seconds{service="auth"} 0.0' in generate_latest().decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 <anna@example.org>: no such user", "550 <a***@example.org>: no such user"),
        ("ёж@пример.рф, b@x.org", "ё***@пример.рф, b***@x.org"),
        ("the server answered 450", "the server answered 450"),
    ],
)
def test_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
