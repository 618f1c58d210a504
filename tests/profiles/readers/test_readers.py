"""An application opens a resume to that company only; its owner sees who has read it."""

from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from pypdf import PdfReader

from hirewire.contracts.auth import UserRegistered
from hirewire.contracts.vacancies import (
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
)
from hirewire.messaging.testing import consume, delivery, recorded
from tests.profiles.conftest import Person

ACME, OTHER = UUID(int=1), UUID(int=2)


async def candidate(anna: Person, **fields: Any) -> str:
    """Anna, with her name, a contact and a resume; returns its id."""
    await consume(
        anna.service.messaging.consumer, UserRegistered(id=anna.id, email="anna@example.org")
    )
    contacts = [{"kind": "telegram", "value": "@anna", "preferred": True}]
    await anna.call("PATCH", "/me", {"fullName": "Анна Ли", "contacts": contacts})
    body = {"title": "Аналитик", "skills": [{"name": "SQL", "level": 4}]} | fields
    return str((await anna.call("POST", "/resumes", body, expect=201))["id"])


async def hires(boris: Person, company: UUID = ACME, name: str | None = "Acme") -> None:
    event = EmployerProfileCreated(
        user_id=boris.id, company_id=company, phone=None, company_name=name
    )
    await consume(boris.service.messaging.consumer, event)


def applied(anna: Person, resume: str, company: UUID = ACME) -> ApplicationSubmitted:
    return ApplicationSubmitted(
        application_id=uuid4(),
        vacancy_id=uuid4(),
        company_id=company,
        resume_id=UUID(resume),
        user_id=anna.id,
        origin="response",
    )


async def names(person: Person, *resumes: str) -> dict[str, str]:
    """The names in open resumes, by resume."""
    query = "&".join(f"resume={one}" for one in resumes)
    found = (await person.call("GET", f"/candidates?{query}"))["items"]
    return {one["resumeId"]: one["fullName"] for one in found}


async def test_applying_opens_the_whole_resume(anna: Person, boris: Person) -> None:
    resume = await candidate(anna)
    path = f"/candidates/{resume}"
    await boris.call("GET", path, expect=404)
    await hires(boris)
    await boris.call("GET", path, expect=404)
    await anna.call(
        "POST", f"/resumes/{resume}/experience", {"position": "Data", "start": "2020"}, expect=201
    )
    await consume(anna.service.messaging.consumer, applied(anna, resume))
    found = await boris.call("GET", path)
    assert found["fullName"] == "Анна Ли"
    assert found["contacts"][0]["value"] == "@anna"
    assert found["skills"] == [{"name": "SQL", "level": 4}]
    assert [one["position"] for one in found["experience"]] == ["Data"]
    assert "visibility" not in found
    assert "allowedActions" not in found
    [reader] = (await anna.call("GET", f"/resumes/{resume}/readers"))["items"]
    assert (reader["companyId"], reader["companyName"], reader["times"]) == (str(ACME), "Acme", 1)
    assert reader["firstReadAt"] == reader["lastReadAt"] is not None


def moved(by: ApplicationSubmitted, stage: str, seen: str) -> ApplicationStageChanged:
    names = ("application_id", "vacancy_id", "company_id", "resume_id", "user_id")
    return ApplicationStageChanged(
        **{name: getattr(by, name) for name in names},
        previous_stage="response",
        stage=stage,
        applicant_state=seen,
    )


ENDS = [
    ("discard_by_applicant", "withdrawn", False),
    ("discard_by_employer", "declined", True),
    ("discard_vacancy_closed", "closed", True),
    ("hired", "hired", True),
]


@pytest.mark.parametrize(("stage", "seen", "reachable"), ENDS)
@pytest.mark.parametrize("first", ["submitted", "ended"])
async def test_a_company_keeps_the_version_it_had_and_gets_nothing_newer(
    anna: Person, boris: Person, stage: str, seen: str, reachable: bool, first: str
) -> None:
    resume, consumer = await candidate(anna, summary="Was"), anna.service.messaging.consumer
    await anna.call("PATCH", "/me", {"links": [{"url": "https://anna.example/"}]})
    await anna.call(
        "POST", f"/resumes/{resume}/experience", {"position": "Data", "start": "2020"}, expect=201
    )
    await hires(boris)
    event = applied(anna, resume)
    events = [event, moved(event, stage, seen)]
    for one in events if first == "submitted" else reversed(events):
        await consume(consumer, one)
    before = await boris.call("GET", f"/candidates/{resume}")
    contacts = [{"kind": "phone", "value": "+7 999", "preferred": True}]
    await anna.call("PATCH", "/me", {"fullName": "Новое имя", "contacts": contacts})
    change = {"summary": "Is", "status": "published", "visibility": "no_one"}
    await anna.call("PATCH", f"/resumes/{resume}", change)
    await anna.call("PATCH", f"/resumes/{resume}", {"status": "hidden"})
    assert await names(boris, resume) == {resume: "Анна Ли"}
    kept = await boris.call("GET", f"/candidates/{resume}")
    assert kept == before
    assert (kept["fullName"], kept["summary"]) == ("Анна Ли", "Was")
    assert [one["position"] for one in kept["experience"]] == ["Data"]
    assert kept["asOf"] is not None
    assert bool(kept["contacts"]) is bool(kept["links"]) is reachable
    assert "+7 999" not in str(kept)
    printed = await boris.service.client.get(
        f"/api/profiles/candidates/{resume}/pdf", headers=boris.service.as_user(boris.id)
    )
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(printed.content)).pages)
    assert "Was" in text
    assert "+7 999" not in text
    assert ("@anna" in text) is reachable
    [reader] = (await anna.call("GET", f"/resumes/{resume}/readers"))["items"]
    assert (reader["open"], reader["times"]) == (False, 3)

    await consume(consumer, applied(anna, resume))  # again: unchanged
    again = await boris.call("GET", f"/candidates/{resume}")
    assert (again["summary"], again["contacts"], again["asOf"]) == ("Is", contacts, None)
    assert await names(boris, resume) == {resume: "Новое имя"}
    [reader] = (await anna.call("GET", f"/resumes/{resume}/readers"))["items"]
    assert reader["open"] is True


async def test_an_unaccepted_invitation_opens_nothing(anna: Person, boris: Person) -> None:
    resume, consumer = await candidate(anna), anna.service.messaging.consumer
    await hires(boris)
    event = applied(anna, resume)
    for stage, seen in (("response", "invited"), ("discard_by_applicant", "withdrawn")):
        await consume(consumer, moved(event, stage, seen))
        await boris.call("GET", f"/candidates/{resume}", expect=404)
        assert await names(boris, resume) == {}


async def test_an_application_that_moves_is_open_also_if_its_submission_is_not_known(
    anna: Person, boris: Person
) -> None:
    """The log of `vacancies` replays events from before this was stored."""
    resume, consumer = await candidate(anna), anna.service.messaging.consumer
    await hires(boris)
    event = applied(anna, resume)
    await consume(consumer, moved(event, "response", "viewed"))
    assert (await boris.call("GET", f"/candidates/{resume}"))["asOf"] is None
    forged = moved(applied(boris, resume), "discard_by_applicant", "withdrawn")
    await consume(consumer, forged)  # claims to be Boris's
    assert (await boris.call("GET", f"/candidates/{resume}"))["contacts"] != []


async def test_an_address_used_as_a_name_counts_as_a_contact(anna: Person, boris: Person) -> None:
    resume, consumer = await candidate(anna), anna.service.messaging.consumer
    await anna.call("PATCH", "/me", {"fullName": "anna@example.org"})
    await hires(boris)
    event = applied(anna, resume)
    await consume(consumer, event)
    assert await names(boris, resume) == {resume: "anna@example.org"}
    await consume(consumer, moved(event, "discard_by_applicant", "withdrawn"))
    assert await names(boris, resume) == {}
    found = await boris.call("GET", f"/candidates/{resume}")
    assert found["fullName"] is None
    assert "@" not in str(found)
    printed = await boris.service.client.get(
        f"/api/profiles/candidates/{resume}/pdf", headers=boris.service.as_user(boris.id)
    )
    assert printed.status_code == 200
    assert "@" not in PdfReader(BytesIO(printed.content)).pages[0].extract_text()


async def test_the_key_of_a_link_is_in_no_log(anna: Person) -> None:
    resume = await candidate(anna)
    change = {"visibility": "link", "status": "published"}
    key = (await anna.call("PATCH", f"/resumes/{resume}", change))["linkKey"]
    with structlog.testing.capture_logs() as logs:
        for path in (f"/api/profiles/shared/{key}", f"/api/profiles//shared//{key}/x"):
            await anna.service.client.get(path)
    paths = [line["path"] for line in logs if line["event"] == "request"]
    assert paths == ["/api/profiles/shared/…", "/api/profiles//shared//…/x"]
    assert key not in str(logs)


async def test_nobody_else_reads_it(anna: Person, boris: Person) -> None:
    resume = await candidate(anna)
    await hires(boris, OTHER)
    await consume(anna.service.messaging.consumer, applied(anna, resume))
    await boris.call("GET", f"/candidates/{resume}", expect=404)
    await boris.call("GET", f"/candidates/{resume}/pdf", expect=404)
    await boris.call("GET", f"/resumes/{resume}/readers", expect=404)
    await anna.call("GET", f"/candidates/{resume}", expect=404)
    other = str((await anna.call("POST", "/resumes", {"title": "x"}, expect=201))["id"])
    assert await names(boris, resume, other, str(uuid4())) == await names(anna, resume) == {}
    await boris.call("GET", "/candidates", expect=422)
    outsider = await boris.service.client.get(f"/api/profiles/candidates/{resume}")
    assert outsider.status_code == 401
    [reader] = (await anna.call("GET", f"/resumes/{resume}/readers"))["items"]
    assert (reader["companyId"], reader["times"]) == (str(ACME), 0)


async def test_a_claim_on_somebody_elses_resume_opens_nothing(anna: Person, boris: Person) -> None:
    resume = await candidate(anna)
    await hires(boris)
    forged = applied(boris, resume)  # claims to be Boris's
    await consume(anna.service.messaging.consumer, forged)
    await boris.call("GET", f"/candidates/{resume}", expect=404)


async def test_deleting_ends_access_and_late_events_open_nothing(
    anna: Person, boris: Person
) -> None:
    resume = await candidate(anna)
    await hires(boris)
    event = applied(anna, resume)
    await consume(anna.service.messaging.consumer, event)
    await consume(anna.service.messaging.consumer, delivery(event, sequence=2))  # again
    assert await names(boris, resume) == {resume: "Анна Ли"}
    await anna.call("DELETE", f"/resumes/{resume}", expect=204)
    assert await names(boris, resume) == {}
    await boris.call("GET", f"/candidates/{resume}", expect=404)
    await consume(anna.service.messaging.consumer, applied(anna, resume))
    await boris.call("GET", f"/candidates/{resume}", expect=404)


@pytest.mark.parametrize("first", ["application", "employer"])
async def test_the_order_of_the_two_events_does_not_matter(
    anna: Person, boris: Person, first: str
) -> None:
    resume = await candidate(anna)
    if first == "employer":
        await hires(boris)
    await consume(anna.service.messaging.consumer, applied(anna, resume))
    if first == "application":
        await hires(boris)
    await boris.call("GET", f"/candidates/{resume}")


async def test_a_company_is_one_reader_and_pages_are_whole(anna: Person, boris: Person) -> None:
    resume = await candidate(anna)
    companies = [UUID(int=n) for n in range(1, 6)]
    for company in companies:
        await consume(anna.service.messaging.consumer, applied(anna, resume, company))
    seen: list[str] = []
    after = ""
    while True:
        page = await anna.call("GET", f"/resumes/{resume}/readers?limit=2{after}")
        seen += [one["companyId"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [str(company) for company in companies]
    await anna.call("GET", f"/resumes/{resume}/readers?after=x", expect=422)


async def test_without_a_contact_the_accounts_address_is_shown_to_readers_of_contacts(
    anna: Person, boris: Person
) -> None:
    resume = await candidate(anna)
    await anna.call("PATCH", "/me", {"contacts": []})
    mine = await anna.call("GET", "/me")
    assert (mine["contacts"], mine["accountEmail"]) == ([], "anna@example.org")
    await hires(boris)
    by = applied(anna, resume)
    await consume(anna.service.messaging.consumer, by)
    path = f"/candidates/{resume}"
    own = [{"kind": "email", "value": "anna@example.org", "preferred": True}]
    assert (await boris.call("GET", path))["contacts"] == own
    for person, pdf in ((boris, f"{path}/pdf"), (anna, f"/resumes/{resume}/export?format=pdf")):
        answer = await person.service.client.get(
            f"/api/profiles{pdf}", headers=person.service.as_user(person.id)
        )
        pages = PdfReader(BytesIO(answer.content)).pages
        assert "anna@example.org" in pages[0].extract_text()
    await consume(anna.service.messaging.consumer, moved(by, "discard_by_employer", "declined"))
    assert (await boris.call("GET", path))["contacts"] == own, "as it was"
    await consume(anna.service.messaging.consumer, moved(by, "discard_by_applicant", "withdrawn"))
    gone = await boris.call("GET", path)
    assert "anna@example.org" not in str(gone)
    lines = await recorded(anna.service.engine)
    assert lines
    assert not [row for row in lines if "anna@example.org" in str(row.body)]


async def test_an_address_that_was_not_kept_comes_with_the_registration_again(anna: Person) -> None:
    await candidate(anna)
    async with anna.service.engine.begin() as tx:
        await tx.exec_driver_sql("update profile set account_email = null")
    assert (await anna.call("GET", "/me"))["accountEmail"] is None
    again = UserRegistered(id=anna.id, email="anna@example.org")
    await consume(anna.service.messaging.consumer, again)
    mine = await anna.call("GET", "/me")
    assert (mine["accountEmail"], mine["fullName"]) == ("anna@example.org", "Анна Ли")


async def test_a_link_shows_of_its_owner_what_they_choose(anna: Person) -> None:
    resume = await candidate(anna)
    path = f"/resumes/{resume}"
    linked = await anna.call("PATCH", path, {"visibility": "link", "status": "published"})
    assert linked["linkShows"] == []
    client, address = anna.service.client, f"/api/profiles/shared/{linked['linkKey']}"

    async def shown(*parts: str) -> tuple[str | None, list[str]]:
        await anna.call("PATCH", path, {"linkShows": list(parts)})
        found = (await client.get(address)).json()
        return found["fullName"], [one["value"] for one in found["contacts"]]

    assert await shown() == (None, [])
    assert await shown("name") == ("Анна Ли", [])
    assert await shown("contacts") == (None, ["@anna"])
    assert await shown("contacts", "name") == ("Анна Ли", ["@anna"])
    await anna.call("PATCH", "/me", {"contacts": [], "fullName": "anna@example.org"})
    assert await shown("name") == (None, []), "an address is no name"
    assert await shown("contacts") == (None, ["anna@example.org"])
    await anna.call("PATCH", path, {"linkShows": ["address"]}, expect=422)


async def test_a_link_shows_the_resume_without_contacts(anna: Person) -> None:
    resume = await candidate(anna)
    path = f"/resumes/{resume}"
    assert (await anna.call("GET", path))["linkKey"] is None
    linked = await anna.call("PATCH", path, {"visibility": "link"})
    client, address = anna.service.client, f"/api/profiles/shared/{linked['linkKey']}"
    assert (await client.get(address)).status_code == 404, "a draft is nobody's business"
    await anna.call("PATCH", path, {"status": "published"})
    found = await client.get(address)
    assert found.status_code == 200
    assert found.headers["x-robots-tag"] == "noindex, nofollow"
    assert (found.json()["fullName"], found.json()["title"]) == (None, "Аналитик")
    assert "@anna" not in found.text
    assert "Анна" not in found.text
    await anna.call("PATCH", path, {"title": "Инженер"})
    assert (await client.get(address)).json()["title"] == "Инженер"
    await anna.call("PATCH", path, {"visibility": "no_one"})
    assert (await client.get(address)).status_code == 404
    again = await anna.call("PATCH", path, {"visibility": "link"})
    assert again["linkKey"] not in (None, linked["linkKey"])
    assert (await client.get(address)).status_code == 404, "a link taken back stays dead"
    assert (await client.get("/api/profiles/shared/None")).status_code == 404


async def test_a_link_does_not_show_an_address_for_a_name(anna: Person) -> None:
    await candidate(anna)
    await anna.call("PATCH", "/me", {"fullName": "anna@example.org"})
    body = {"title": "x", "skills": [{"name": "Go"}], "visibility": "link"}
    made = await anna.call("POST", "/resumes", body, expect=201)
    await anna.call("PATCH", f"/resumes/{made['id']}", {"status": "published"})
    found = await anna.service.client.get(f"/api/profiles/shared/{made['linkKey']}")
    assert found.json()["fullName"] is None
    assert "anna@example.org" not in found.text
