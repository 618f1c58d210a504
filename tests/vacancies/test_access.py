"""The response of every route to anonymous users, applicants, other employers and the owner."""

from uuid import UUID, uuid4

import pytest

from tests.services import Running
from tests.vacancies.conftest import VACANCY, Person

TITLE = {"title": "Changed"}
COMPANY = {"companyName": "Third"}
RESTORE = {"decision": "restore", "text": "Fine"}
INTERVIEW: dict[str, object] = {
    "slots": [{"local": "2026-01-01T10:00"}],
    "timeZone": "UTC",
    "minutes": 30,
}
CHOICE = {"start": "2026-01-01T10:00:00Z", "version": 1}
RESUME = {"resumeId": str(UUID(int=7))}
# Method and path -> body, and the status for: no token, no employer, the other employer
ROUTES: dict[tuple[str, str], tuple[object, int, int, int]] = {
    ("post", "/employer-profile"): (COMPANY, 401, 201, 409),
    ("get", "/employer-profile"): (None, 401, 404, 200),
    ("get", "/companies"): (None, 200, 200, 200),
    ("get", "/companies/{id}"): (None, 404, 404, 404),
    ("get", "/companies/{id}/logo"): (None, 404, 404, 404),
    ("patch", "/employer-profile"): ({}, 401, 403, 200),
    ("put", "/employer-profile/logo"): (None, 401, 403, 422),
    ("delete", "/employer-profile/logo"): (None, 401, 403, 200),
    ("get", "/activity"): (None, 401, 403, 200),
    ("get", "/vacancies"): (None, 200, 200, 200),
    ("post", "/vacancies"): (VACANCY, 401, 403, 201),
    ("post", "/vacancies/import"): ({"vacancies": []}, 401, 403, 200),
    ("post", "/vacancies/read"): ({"text": "A cook is needed"}, 401, 403, 200),
    ("get", "/vacancies/{id}"): (None, 404, 404, 404),
    ("patch", "/vacancies/{id}"): (TITLE, 401, 403, 404),
    ("post", "/vacancies/{id}/publish"): (None, 401, 403, 404),
    ("post", "/vacancies/{id}/pause"): (None, 401, 403, 404),
    ("post", "/vacancies/{id}/close"): ({"reason": "filled"}, 401, 403, 404),
    ("post", "/vacancies/{id}/archive"): (None, 401, 403, 404),
    ("post", "/vacancies/{id}/reopen"): (None, 401, 403, 404),
    ("post", "/vacancies/{id}/copy"): (None, 401, 403, 404),
    ("get", "/vacancies/overview"): (None, 401, 403, 200),
    ("get", "/vacancies/{id}/scores"): (None, 401, 422, 422),
    ("get", "/vacancies/{id}/fits"): (None, 401, 422, 422),
    ("get", "/vacancies/{id}/recommendations"): (None, 401, 403, 404),
    ("post", "/vacancies/{id}/price"): ({}, 401, 403, 404),
    ("get", "/resumes"): (None, 401, 403, 200),
    ("get", "/resumes/{id}"): (None, 401, 403, 404),
    ("get", "/resumes/{id}/viewers"): (None, 401, 404, 404),
    ("get", "/skills"): (None, 200, 200, 200),
    ("get", "/skills/{id}"): (None, 404, 404, 404),
    ("get", "/skills/names"): (None, 200, 200, 200),
    ("get", "/places"): (None, 200, 200, 200),
    ("get", "/feeds/vacancies.{kind}"): (None, 422, 422, 422),
    ("get", "/feeds/sitemap.xml"): (None, 200, 200, 200),
    ("get", "/feeds/sitemaps/{n}.xml"): (None, 422, 422, 422),
    ("get", "/feeds/jobs.xml"): (None, 200, 200, 200),
    ("get", "/overview"): (None, 200, 200, 200),
    ("get", "/saved"): (None, 401, 200, 200),
    ("put", "/vacancies/{id}/saved"): (None, 401, 404, 404),
    ("delete", "/vacancies/{id}/saved"): (None, 401, 204, 204),
    ("get", "/searches"): (None, 401, 200, 200),
    ("post", "/searches"): ({"name": "Mine", "query": {}}, 401, 201, 201),
    ("post", "/searches/{id}/seen"): (None, 401, 404, 404),
    ("delete", "/searches/{id}"): (None, 401, 404, 404),
    ("put", "/searches/{id}/alerts"): (None, 401, 404, 404),
    ("delete", "/searches/{id}/alerts"): (None, 401, 404, 404),
    ("get", "/recommended"): (None, 401, 200, 200),
    ("get", "/recommendations"): (None, 401, 403, 200),
    ("post", "/recommendations/{id}/state"): ({"state": "seen"}, 401, 403, 404),
    ("post", "/reach"): ({"resumeId": str(UUID(int=7))}, 401, 404, 404),
    ("post", "/vacancies/{id}/applications"): (RESUME, 401, 404, 404),
    ("post", "/vacancies/{id}/invitations"): (RESUME, 401, 403, 404),
    ("get", "/applications"): (None, 401, 200, 200),
    ("get", "/applications/counts"): (None, 401, 403, 200),
    ("get", "/applications/unread"): (None, 401, 200, 200),
    ("get", "/applications/{id}"): (None, 401, 404, 404),
    ("post", "/applications/{id}/stage"): ({"stage": "consider"}, 401, 404, 404),
    ("post", "/applications/{id}/accept"): (None, 401, 404, 404),
    ("post", "/applications/{id}/withdraw"): (None, 401, 404, 404),
    ("get", "/applications/{id}/messages"): (None, 401, 404, 404),
    ("post", "/applications/{id}/messages"): ({"text": "Hi"}, 401, 404, 404),
    ("get", "/applications/{id}/interviews"): (None, 401, 404, 404),
    ("post", "/applications/{id}/interviews"): (INTERVIEW, 401, 404, 404),
    ("get", "/interviews"): (None, 401, 200, 200),
    ("get", "/interviews/{id}"): (None, 401, 404, 404),
    ("post", "/interviews/{id}/move"): (INTERVIEW | {"version": 1}, 401, 404, 404),
    ("post", "/interviews/{id}/choose"): (CHOICE, 401, 404, 404),
    ("post", "/interviews/{id}/ask"): ({"message": "Later?", "version": 1}, 401, 404, 404),
    ("post", "/interviews/{id}/decline"): ({"version": 1}, 401, 404, 404),
    ("post", "/interviews/{id}/cancel"): ({"version": 1}, 401, 404, 404),
    ("get", "/interviews/{id}/calendar.ics"): (None, 401, 404, 404),
    ("get", "/calendar"): (None, 401, 200, 200),
    ("post", "/calendar"): (None, 401, 201, 201),
    ("delete", "/calendar"): (None, 401, 204, 204),
    ("get", "/calendar/{secret}.ics"): (None, 404, 404, 404),
    ("get", "/retention"): (None, 401, 200, 200),
    ("post", "/retention/keep"): (None, 401, 204, 204),
    # Only the grant of an open export counts, which `auth` gives.
    ("get", "/exports/{id}"): (None, 422, 422, 422),
    ("get", "/exports/{id}/files/{number}"): (None, 422, 422, 422),
    ("post", "/vacancies/{id}/reports"): ({"reason": "fraud"}, 404, 404, 404),
    ("post", "/companies/{id}/reports"): ({"reason": "fraud"}, 404, 404, 404),
    ("post", "/employer-profile/verification"): ({"address": "a@acme.example"}, 401, 403, 409),
    ("post", "/employer-profile/verification/code"): ({"code": "1"}, 401, 403, 410),
    ("get", "/admin/companies"): (None, 401, 403, 403),
    ("get", "/admin/companies/{id}"): (None, 401, 403, 403),
    ("post", "/admin/companies/{id}/verify"): ({"why": "Known"}, 401, 403, 403),
    ("post", "/admin/companies/{id}/unverify"): ({"why": "Fake"}, 401, 403, 403),
    ("get", "/admin/audit"): (None, 401, 403, 403),
    ("get", "/admin/reported"): (None, 401, 403, 403),
    ("get", "/admin/reported/count"): (None, 401, 403, 403),
    ("get", "/admin/reported/{target}/{id}"): (None, 401, 422, 422),
    ("post", "/admin/reported/{target}/{id}/decisions"): (RESTORE, 401, 422, 422),
    ("get", "/decisions"): (None, 401, 403, 200),
    ("post", "/decisions/{id}/answer"): ({"text": "Hi"}, 401, 403, 404),
}


async def test_every_route_is_in_the_table(anna: Person) -> None:
    document = (await anna.service.client.get("/openapi.json")).json()
    offered = {
        (method, path.removeprefix("/api/vacancies"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert offered == ROUTES.keys()


async def test_another_companys_draft_is_not_found(vacancies: Running) -> None:
    for route in ROUTES:
        await _tried(Person(vacancies, uuid4()), Person(vacancies, uuid4()), route)


async def _tried(anna: Person, boris: Person, route: tuple[str, str]) -> None:
    method, path = route
    body, nobody, applicant, other = ROUTES[route]
    await anna.hire()
    id = await anna.vacancy()
    before = await anna.call("GET", f"/vacancies/{id}")
    url = path.replace("{id}", id)

    answer = await anna.service.client.request(method, f"/api/vacancies{url}", json=body)
    assert answer.status_code == nobody, route
    if nobody == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert id not in answer.text
    refused = await boris.call(method, url, body, expect=applicant)
    if applicant == 403:
        what = "operator" if path.startswith("/admin/") else "employer"
        assert refused["type"].endswith(f"not-an-{what}")
    if route != ("post", "/employer-profile"):
        await boris.hire("Other")
    assert id not in str(await boris.call(method, url, body, expect=other))
    assert await anna.call("GET", f"/vacancies/{id}") == before
    assert await anna.events() == []


@pytest.mark.parametrize("token", ["Bearer x.y.z", "Basic YTpi", "Bearer"])
async def test_a_bad_token_is_refused_also_where_none_is_needed(anna: Person, token: str) -> None:
    for (method, path), (body, *_) in ROUTES.items():
        url = f"/api/vacancies{path}".replace("{id}", str(anna.id))
        answer = await anna.service.client.request(
            method, url, json=body, headers={"Authorization": token}
        )
        assert (answer.status_code, path) == (401, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
