"""Every applicant gets an answer, over real processes and real brokers."""

from typing import Any

from hirewire.tools.demo import Demo
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.people import open_messages

VACANCIES = "/api/vacancies/vacancies"
APPLICATIONS = "/api/vacancies/applications"


async def _vacancy(demo: Demo) -> str:
    body = {"title": "Go developer", "description": "<p>Go.</p>"}
    made, _ = await demo.call("employer", "POST", VACANCIES, body, expect=201)
    await demo.call("employer", "POST", f"{VACANCIES}/{made['id']}/publish")
    return str(made["id"])


async def test_closing_a_vacancy_and_deleting_a_resume_end_applications(
    platform: Platform,
) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as client:
        demo = Demo(client)
        await demo.sign_in("candidate")
        await demo.sign_in("employer")
        profile = {"companyName": "Acme", "phone": "+7 921 000-00-00"}
        await demo.call("employer", "POST", "/api/vacancies/employer-profile", profile, expect=201)
        closed, open_ = await _vacancy(demo), await _vacancy(demo)
        resume, _ = await demo.call(
            "candidate",
            "POST",
            "/api/profiles/resumes",
            {"title": "Gopher", "status": "published", "skills": [{"name": "Go"}]},
            expect=201,
        )
        await eventually(lambda: demo.activity("employer", resume["id"], "created"))

        async def enter(who: str, vacancy: str, kind: str) -> str:
            body = {"resumeId": resume["id"]}
            made, _ = await demo.call(
                who, "POST", f"{VACANCIES}/{vacancy}/{kind}", body, expect=201
            )
            return str(made["id"])

        async def seen_as(id: str, state: str) -> bool:
            one: Any
            one, _ = await demo.call("candidate", "GET", f"{APPLICATIONS}/{id}")
            return bool(one["applicantState"] == state)

        async def opened(id: str) -> bool:
            headers = {"Authorization": f"Bearer {demo.tokens['employer']}"}
            answer = await client.get(f"/api/profiles/candidates/{id}", headers=headers)
            return answer.status_code == 200 and "candidate" in answer.json()["fullName"]

        first = await enter("candidate", closed, "applications")
        second = await enter("employer", open_, "invitations")
        await demo.call("candidate", "POST", f"{APPLICATIONS}/{second}/accept")
        await eventually(lambda: opened(resume["id"]), what="the whole resume for the employer")
        await demo.call("employer", "POST", f"{VACANCIES}/{closed}/close", {"reason": "filled"})
        await eventually(lambda: seen_as(first, "closed"), what="the vacancy's closing")
        assert await seen_as(second, "in_progress")
        await demo.call("candidate", "DELETE", f"/api/profiles/resumes/{resume['id']}", expect=204)
        await eventually(lambda: seen_as(second, "withdrawn"), what="the resume's deletion")
    assert await open_messages(platform.settings.service_database("vacancies")) == {}
