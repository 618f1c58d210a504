"""An account is deleted: nothing of the person is left in any service, and the receipt says so."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect
from typer.testing import CliRunner, Result

from hirewire.cli.main import app as cli
from hirewire.kit.internal.models import RequestIn
from hirewire.messaging.database import connect
from hirewire.operators import privacy
from hirewire.operators.auditing import Auditor
from hirewire.web.sessions import ACCESS
from tests.builders import eventually
from tests.journeys.browsing import IN_EACH_LANGUAGE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import mails
from tests.journeys.paging import api, hires, sign_up
from tests.journeys.people import PASSWORD

OF_ANNA = {
    "address": "anna.erased@example.org",
    "name": "Anna Realnamova",
    "phone": "+7 921 555-01-02",
    "page": "anna-realnamova.example",
    "title": "Falconwright",
    "summary": "Summarysecret",
    "company": "Workplacesecret",
    "school": "Schoolsecret",
    "letter": "Lettersecret",
    "message": "Messagesecret",
    "answer": "Answersecret",
    "comment": "Commentsecret",
    "note": "Notesecret",
    "search": "Searchsecret",
    "dead": "Deadsecret",
}
"""What she typed, and what others wrote to her."""
OF_DANA = "dana.erased@example.org"
OF_BORIS = {
    "address": "boris.erased@example.org",
    "phone": "+7 921 555-03-04",
    "company": "Companysecret",
    "site": "companysecret.example",
    "about": "Aboutsecret",
    "description": "Descriptionsecret",
    "draft": "Draftsecret",
    "words": "Wordssecret",
}


async def _applied(client: httpx.AsyncClient, vacancy: str, resume: str, letter: str) -> str:
    async def entered() -> str | None:
        answer = await client.post(
            f"/api/vacancies/vacancies/{vacancy}/applications",
            json={"resumeId": resume, "letter": letter},
            headers={
                "Authorization": f"Bearer {client.cookies[ACCESS]}",
                "Idempotency-Key": f"apply-{vacancy}",
            },
        )
        return str(answer.json()["id"]) if answer.status_code == 201 else None

    return str(await eventually(entered, what="the resume is known to vacancies"))


async def _hires(client: httpx.AsyncClient, email: str, company: str, phone: str) -> str:
    await hires(client, email, company, phone)
    body = {
        "title": "Cook",
        "description": f"<p>{OF_BORIS['description'] if 'secret' in company else ''} Soups.</p>",
        "requirements": [{"skill": "SQL", "kind": "must"}],
        "address": OF_BORIS["phone"] if "secret" in company else None,
    }
    made = await api(client, "POST", "/vacancies/vacancies", body)
    await api(client, "POST", f"/vacancies/vacancies/{made['id']}/publish")
    return str(made["id"])


async def _candidate(client: httpx.AsyncClient, title: str) -> str:
    """A resume with all sections."""
    words = OF_ANNA
    await eventually(lambda: _there(client, "/profiles/me"))
    body = {
        "fullName": words["name"],
        "contacts": [{"kind": "phone", "value": words["phone"], "preferred": True}],
        "links": [{"url": f"https://{words['page']}/"}],
    }
    await api(client, "PATCH", "/profiles/me", body)
    made = await api(
        client,
        "POST",
        "/profiles/resumes",
        {
            "title": title,
            "summary": words["summary"],
            "skills": [{"name": "SQL", "level": 4}],
            "status": "published",
        },
    )
    id = str(made["id"])
    await api(
        client,
        "POST",
        f"/profiles/resumes/{id}/experience",
        {"company": words["company"], "position": "Cook", "start": "2020-01"},
    )
    school = {"organization": words["school"], "level": "bachelor"}
    await api(client, "POST", f"/profiles/resumes/{id}/education", school)
    return id


async def _there(client: httpx.AsyncClient, path: str) -> bool:
    headers = {"Authorization": f"Bearer {client.cookies[ACCESS]}"}
    return (await client.get(f"/api{path}", headers=headers)).is_success


async def _delete(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.request(
        "DELETE",
        "/api/auth/me",
        json={"password": PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    )


async def _complete(
    client: httpx.AsyncClient, receipt: str, within: float = 20.0
) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def complete() -> bool:
        found.update((await client.get(f"/api/auth/erasures/{receipt}")).json())
        return bool(found["state"] == "complete")

    await eventually(complete, within=within, what=f"the receipt is complete: {found}")
    return found


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
@pytest.mark.timeout(240)
async def test_everything_of_a_deleted_account_is_gone(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    async with AsyncExitStack() as stack:
        anna, boris, carla, nobody = [
            await stack.enter_async_context(platform.client()) for _ in range(4)
        ]
        vacancy = await _hires(boris, OF_BORIS["address"], OF_BORIS["company"], OF_BORIS["phone"])
        kept = await _hires(carla, "carla@example.org", "Kitchen", "")
        about = {"description": OF_BORIS["about"], "site": f"https://{OF_BORIS['site']}"}
        await api(boris, "PATCH", "/vacancies/employer-profile", about)
        draft = {"title": OF_BORIS["draft"], "requirements": []}
        await api(boris, "POST", "/vacancies/vacancies", draft)

        await sign_up(anna, OF_ANNA["address"])
        resume = await _candidate(anna, OF_ANNA["title"])
        mine = await _applied(anna, vacancy, resume, OF_ANNA["letter"])
        theirs = await _applied(anna, kept, resume, OF_ANNA["letter"])
        for id, client, text in (
            (mine, boris, OF_BORIS["words"]),
            (theirs, anna, OF_ANNA["message"]),
            (theirs, carla, OF_ANNA["answer"]),
        ):
            await api(client, "POST", f"/vacancies/applications/{id}/messages", {"text": text})
        for comment, shared in (("comment", True), ("note", False)):
            move = {
                "stage": "consider" if shared else "interview",
                "comment": OF_ANNA[comment],
                "commentShared": shared,
            }
            await api(carla, "POST", f"/vacancies/applications/{theirs}/stage", move)
        await api(anna, "PUT", f"/vacancies/vacancies/{kept}/saved")
        await api(
            anna,
            "POST",
            "/vacancies/searches",
            {"name": OF_ANNA["search"], "query": {"q": "cook"}},
        )
        await _there(carla, f"/profiles/candidates/{resume}")
        user = (await api(anna, "GET", "/auth/me"))["id"]
        boss = (await api(boris, "GET", "/auth/me"))["id"]
        await _dead_letters(platform, user, resume)
        before = await privacy.search(platform.settings, UUID(user), list(OF_ANNA.values()))
        seen = {place.what for place in before.left}
        assert not set(OF_ANNA.values()) - seen

        token = anna.cookies[ACCESS]
        began = time.monotonic()
        first, second = await asyncio.gather(_delete(anna, token), _delete(anna, token))
        assert {first.status_code, second.status_code} == {202}
        assert first.json() == second.json()
        receipt = first.json()["receiptId"]
        found = await _complete(nobody, receipt)
        assert time.monotonic() - began < 10  # 0.3 s on an idle machine
        services = {one["service"] for one in found["services"]}
        assert services == {"auth", "profiles", "vacancies", "notifications"}
        assert all(one["records"] > 3 for one in found["services"])
        assert (await _delete(anna, token)).status_code == 401

        after = await privacy.search(platform.settings, UUID(user), list(OF_ANNA.values()))
        assert after.left == [], after.left
        line = await api(carla, "GET", f"/vacancies/applications/{theirs}")
        assert (line["stage"], line["letter"], line["resume"]) == (
            "discard_by_applicant",
            None,
            None,
        )
        assert [move["toStage"] for move in line["history"]][:3] == [
            "response",
            "consider",
            "interview",
        ]

        await _while_a_service_is_away(platform, chromium, nobody, boss)
        await _as_before_after_a_replay(platform, [user, boss])
        await _and_after_a_restored_backup(platform, user)


async def _while_a_service_is_away(
    platform: Platform, chromium: str, nobody: httpx.AsyncClient, boss: str
) -> None:
    """Two people leave by the page; `vacancies` was killed, and comes back later."""
    url = platform.settings.service_url("web")
    left: dict[str, Somebody] = {}
    async with browsing(chromium) as browser:
        en, ru = [
            await Somebody.arrive(browser, url, language, viewport=size)
            for language, size in IN_EACH_LANGUAGE
        ]
        dana = await _new_account(nobody, OF_DANA)
        platform.kill("vacancies")
        for who, email in ((en, OF_DANA), (ru, OF_BORIS["address"])):
            left[await _leave(who, email)] = who
        await platform.start("vacancies")
        for receipt, who in left.items():
            page = who.page
            status = page.locator("#receipt [role=status]")
            done = who.said("Your data has been deleted in all parts of the site.")
            await expect(status).to_contain_text(done, timeout=30_000)
            await expect(page.locator("#receipt li")).to_have_count(4)
            assert await who.foreign_words() == []
            assert [one for one in who.complaints if "Failed to load" not in one] == []
            sent = await mails(nobody, who.mailed("account_erased"))
            [mail] = [one["text"] for one in sent if receipt in one["text"]]
            assert who.foreign(mail) == []
    for receipt in left:
        shown = await nobody.get(f"/erasures/{receipt}")
        assert shown.status_code == 200
        assert "hx-trigger" not in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
    await _verify(platform, dana, [OF_DANA])
    await _verify(platform, boss, [*OF_BORIS.values()])


async def _new_account(client: httpx.AsyncClient, email: str) -> str:
    """Sign up in English; returns the id."""
    await sign_up(client, email)
    id = str((await api(client, "GET", "/auth/me"))["id"])
    client.cookies.clear()
    return id


async def _leave(who: Somebody, email: str) -> str:
    """Delete the account by the page; returns the receipt, which is not complete yet."""
    page, heading = who.page, who.said("Delete account")
    await who.sign_in(email)
    await who.open(page.locator("#delete-account").get_by_role("link", name=heading))
    await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert await who.faults() == []
    await page.fill("#current", "wrong")
    await who.press("Delete account for good")
    await who.reads("This is not your current password.")
    await page.fill("#current", PASSWORD)
    await who.press("Delete account for good")
    receipt_head = page.get_by_role("heading", name=who.said("Receipt of deletion"))
    await expect(receipt_head).to_be_visible()
    receipt, status = page.url.rpartition("/")[2], page.locator("#receipt [role=status]")
    cookies = await page.context.cookies()
    assert not [one for one in cookies if one["name"] == ACCESS]
    row = page.locator("#receipt li").filter(has_text=who.words.label("profiles"))
    await expect(row).to_be_visible()
    await expect(status).to_contain_text(
        who.said(
            "Your account is deleted. Parts of the site are still deleting your data: "
            "this page updates itself."
        )
    )
    state = await page.request.get(f"/api/auth/erasures/{receipt}")
    assert (await state.json())["state"] == "open"
    assert await who.faults() == []
    return receipt


async def _verify(platform: Platform, user: str, words: list[str]) -> None:
    """`hirewire privacy verify`: nothing is left of this person."""
    command = ("privacy", "verify", user, "--words", "-")
    verified = await _hirewire(platform, *command, given="\n".join(words))
    assert verified.exit_code == 0, verified.output
    assert "nothing is left" in verified.output


async def _as_before_after_a_replay(platform: Platform, people: list[str]) -> None:
    """All events again, as new ones for the handlers: nothing comes back, and all adds up."""
    async with platform.operators() as operators:
        for owner, types in (
            ("auth", ["user.registered"]),
            ("profiles", ["resume.updated"]),
            ("vacancies", ["application.submitted", "employer.profile.created"]),
        ):
            to = "vacancies" if owner == "profiles" else "profiles"
            asked = RequestIn(kind="replay", to=to, types=types, again=True, by="test")
            request = await operators.request(owner, asked)

            async def done(owner: str = owner, id: UUID = request.id) -> bool:
                return (await operators.request_of(owner, id)).state == "done"

            await eventually(done)
        report = await Auditor(operators, wait=30).audit(UUID(int=0))
        assert report.clean, report
    words = [*OF_ANNA.values(), *OF_BORIS.values()]
    for id in people:
        after = await privacy.search(platform.settings, UUID(id), words)
        assert after.left == [], after.left
    await _verify(platform, people[0], words)


async def _and_after_a_restored_backup(platform: Platform, user: str) -> None:
    """A backup of `profiles` has the person again, and nobody there knows of the erasure."""
    connection = await connect(platform.settings.service_database("profiles"), application="test")
    await connection.execute("delete from messaging.erased")
    await connection.execute(
        "insert into profile (user_id, version, full_name, contacts, links, account_email, "
        "created_at, updated_at) values ($1, 1, $2, '[]', '[]', $3, now(), now())",
        UUID(user),
        OF_ANNA["name"],
        OF_ANNA["address"],
    )
    done = await _hirewire(platform, "privacy", "reapply")
    assert "3 erasures published again" in done.output

    async def gone() -> bool:
        profiles = await connection.fetchval(
            "select count(*) from profile where user_id = $1", user
        )
        marks = await connection.fetchval("select count(*) from messaging.erased")
        return (profiles, marks) == (0, 3)

    await eventually(gone)
    await connection.close()


async def _hirewire(platform: Platform, *command: str, given: str = "") -> Result:
    return await asyncio.to_thread(
        CliRunner().invoke, cli, list(command), input=given, env=platform.environment
    )


async def _dead_letters(platform: Platform, user: str, resume: str) -> None:
    """A dead letter, a waiting message and an edited one about the person."""
    connection = await connect(platform.settings.service_database("vacancies"), application="test")
    payload = {"userId": user, "resumeId": resume, "action": "updated"}
    body = json.dumps(payload | {"resume": {"title": OF_ANNA["dead"]}})
    for state, subscription in (("dead", "vacancies.activity"), ("waiting", "vacancies.activity")):
        await connection.execute(
            """
            insert into messaging.open_message (event_id, subscription, state, type, source, key,
                sequence, body, headers, error, history)
            values (gen_random_uuid(), $1, $2, 'resume.updated', '/hirewire/profiles', $3, 900,
                convert_to($4, 'UTF8'), '{}', $5, jsonb_build_array(jsonb_build_object(
                    'at', 'x', 'attempt', 1, 'error', $5::text)))
            """,
            subscription,
            state,
            resume,
            body,
            OF_ANNA["dead"],
        )
    await connection.execute(
        "insert into messaging.edit (event_id, subscription, why, by, body_before, body_after) "
        "values (gen_random_uuid(), 'x', $2, 'x', convert_to($1, 'UTF8'), convert_to($1, 'UTF8'))",
        body,
        OF_ANNA["dead"],
    )
    await connection.close()
