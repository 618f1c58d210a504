"""Adding, renaming and removing passkeys, and each refusal."""

import asyncio

from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.passkeys.authenticator import PRESENT, decoded
from tests.auth.passkeys.conftest import Person, authenticator, refused, sign_in, sign_in_options
from tests.auth.postbox import Postbox

LATE = (410, "passkey_too_late")
NOT_ACCEPTED = (422, "passkey_not_accepted")


async def test_several_passkeys_with_names(auth: Auth, postbox: Postbox) -> None:
    anna = await Person.arrive(auth)
    options = await anna.options()
    assert options["rp"] == {"name": "Hirewire", "id": "jobs.example.org"}
    assert options["user"]["name"] == "anna@example.org"
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["excludeCredentials"] == []
    assert options["timeout"] == 300_000
    anna.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Chrome/149.0 Safari/537.36"
    first, second = authenticator(), authenticator()
    made = await anna.add(first.make(options))
    assert made.status_code == 201, made.text
    again = await anna.options()
    assert [decoded(one["id"]) for one in again["excludeCredentials"]] == [first.id]
    assert again["challenge"] != options["challenge"]
    assert (await anna.add(second.make(again), name=" Key ")).status_code == 201
    assert [one["name"] for one in await anna.listed()] == ["Chrome · Linux", "Key"]

    id = made.json()["id"]
    assert (await anna.ask("PATCH", f"/{id}", {"name": "Laptop"})).json()["name"] == "Laptop"
    wrong = await anna.ask("POST", f"/{id}/remove", {"password": "wrong"})
    assert wrong.json()["errors"][0]["code"] == "wrong_password"
    for other in (await Person.arrive(auth, "other@example.org"),):
        assert (await other.ask("PATCH", f"/{id}", {"name": "Mine"})).status_code == 404
        gone = await other.ask("POST", f"/{id}/remove", {"password": PASSWORD})
        assert gone.status_code == 404
    assert (await anna.ask("POST", f"/{id}/remove", {"password": PASSWORD})).status_code == 204
    assert [one["name"] for one in await anna.listed()] == ["Key"]
    assert (await anna.ask("POST", f"/{id}/remove", {"password": PASSWORD})).status_code == 404
    unknown = await sign_in(auth, first.sign(await sign_in_options(auth)))
    assert refused(unknown) == (401, "passkey_unknown")
    assert [mail["Subject"] for mail in await postbox.mails()] == [
        "A passkey was added to your account",
        "A passkey was added to your account",
        "A passkey was removed from your account",
    ]


async def test_the_options_need_the_password(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    for body, status in (({"password": "wrong"}, 422), ({}, 422), (None, 422)):
        assert (await anna.ask("POST", "/options", body)).status_code == status
    for _ in range(9):
        await anna.ask("POST", "/options", {"password": "wrong"})
    locked = await anna.ask("POST", "/options", {"password": PASSWORD})
    assert refused(locked) == (429, "too_many_failures")
    assert (await auth.try_login()).status_code == 429


async def test_answers_of_other_sites_and_without_a_check_of_the_person(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    framed, unchecked = authenticator(), authenticator()
    framed.is_framed, unchecked.flags = True, PRESENT
    for one in (
        authenticator(origin="https://evil.example"),
        authenticator(origin="http://jobs.example.org"),
        authenticator(origin="https://jobs.example.org:8443"),
        authenticator(site="example.org"),
        framed,
        unchecked,
    ):
        assert refused(await anna.add(one.make(await anna.options()))) == NOT_ACCEPTED
    broken = authenticator().make(await anna.options())
    broken["response"]["attestationObject"] = "oA"
    assert refused(await anna.add(broken)) == NOT_ACCEPTED
    named = authenticator().make(await anna.options()) | {"id": "AAAA"}
    assert refused(await anna.add(named)) == NOT_ACCEPTED
    garbled = authenticator().make(await anna.options())
    for text in ("", "e30", "W10", "W1tbW1tbW1tbW1tb", "_____w"):
        garbled["response"]["clientDataJSON"] = text
        assert refused(await anna.add(garbled)) == NOT_ACCEPTED
    garbled["response"]["clientDataJSON"] = "A" * 50_001
    assert (await anna.add(garbled)).status_code == 422
    assert await anna.listed() == []


async def test_a_challenge_is_of_one_session_for_one_answer_and_five_minutes(
    auth: Auth, clock: MovedClock
) -> None:
    anna = await Person.arrive(auth)
    options = await anna.options()
    other, elsewhere = await Person.arrive(auth, "o@example.org"), await Person.again(auth)
    for one in (other, elsewhere):
        assert refused(await one.add(authenticator().make(options))) == LATE
    assert refused(await sign_in(auth, authenticator().make(options))) == (422, "invalid")
    assert (
        refused(
            await anna.add(
                authenticator().make(await sign_in_options(auth) | {"user": options["user"]})
            )
        )
        == LATE
    )
    made = authenticator().make(options)
    answers = await asyncio.gather(*(anna.add(made) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410]
    late = authenticator().make(await anna.options())
    clock.forward(minutes=5, seconds=1)
    assert refused(await anna.add(late)) == LATE
    forged = authenticator().make(options | {"challenge": "AAAA"})
    assert refused(await anna.add(forged)) == LATE
    assert len(await anna.listed()) == 1


async def test_a_passkey_belongs_to_one_account(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    key = await anna.with_passkey()
    other = await Person.arrive(auth, "other@example.org")
    for one in (anna, other):
        assert refused(await one.add(key.make(await one.options()))) == (409, "passkey_known")
    assert await other.listed() == []


async def test_an_account_has_at_most_twenty(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    options = [await anna.options() for _ in range(2)]
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "insert into passkey select gen_random_uuid(), u.id, sha256(n::text::bytea), '', 0, "
            "n::text, now() from user_account u, generate_series(1, 19) n"
        )
    answers = await asyncio.gather(*(anna.add(authenticator().make(one)) for one in options))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    full = await anna.ask("POST", "/options", {"password": PASSWORD})
    assert refused(full) == (409, "too_many_passkeys")


async def test_an_ended_session_has_no_passkeys(auth: Auth) -> None:
    anna = await Person.arrive(auth)
    credential = authenticator().make(await anna.options())
    await auth.client.post("/api/auth/logout", headers=anna.headers)
    id = "00000000-0000-0000-0000-000000000000"
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/options", {"password": PASSWORD}),
        ("POST", "", {"credential": credential}),
        ("PATCH", f"/{id}", {"name": "x"}),
        ("POST", f"/{id}/remove", {"password": PASSWORD}),
    ):
        assert (await anna.ask(method, path, body)).status_code == 401
        nobody = Person(auth, "", "")
        nobody.headers = {}
        assert (await nobody.ask(method, path, body)).status_code == 401
