"""Which routes need a verified address where the board requires one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from hirewire.profiles.app import SERVICE as PROFILES
from hirewire.vacancies.app import SERVICE as VACANCIES
from tests.services import Running, running

ID = str(UUID(int=7))
ROUTES: dict[str, list[tuple[str, str, object]]] = {
    "profiles": [
        ("PATCH", f"/api/profiles/resumes/{ID}", {"status": "published"}),
        ("POST", "/api/profiles/resumes", {"title": "Cook", "status": "published"}),
    ],
    "vacancies": [
        ("POST", f"/api/vacancies/vacancies/{ID}/publish", None),
        ("POST", f"/api/vacancies/vacancies/{ID}/applications", {"resumeId": ID}),
        ("POST", f"/api/vacancies/vacancies/{ID}/invitations", {"resumeId": ID}),
        ("POST", f"/api/vacancies/applications/{ID}/messages", {"text": "Hi"}),
    ],
}
"""Publishing a resume or a vacancy, applying, inviting and writing."""
SERVICES = {"profiles": PROFILES, "vacancies": VACANCIES}
CASES = [(name, *route) for name, routes in ROUTES.items() for route in routes]


@pytest.fixture
async def start(
    fresh_address: str,
) -> AsyncIterator[Callable[[str, str], Awaitable[Running]]]:
    """Starts a service that requires verified addresses, or does not."""
    stack = []

    async def started(name: str, required: str) -> Running:
        context = running(SERVICES[name], fresh_address)
        service = await context.__aenter__()
        stack.append(context)
        state = service.app.state
        state.settings = state.settings.model_copy(update={"verified_email": required})
        return service

    yield started
    for context in stack:
        await context.__aexit__(None, None, None)


@pytest.mark.parametrize(("name", "method", "path", "body"), CASES)
async def test_these_routes_refuse_callers_without_a_verified_address(
    start: Callable[[str, str], Awaitable[Running]],
    name: str,
    method: str,
    path: str,
    body: object,
) -> None:
    service = await start(name, "required")

    async def ask(**claims: object) -> tuple[int, str]:
        headers = service.as_user(uuid4(), **claims)
        answer = await service.client.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    assert await ask(email_verified=False) == (403, "email_not_verified")
    allowed = [await ask(email_verified=True), await ask()]
    assert "email_not_verified" not in [code for _, code in allowed]
    service.app.state.settings = service.app.state.settings.model_copy(
        update={"verified_email": "optional"}
    )
    assert (await ask(email_verified=False))[1] != "email_not_verified"


async def test_a_draft_can_be_edited_without_a_verified_address(
    start: Callable[[str, str], Awaitable[Running]],
) -> None:
    service = await start("profiles", "required")
    headers = service.as_user(uuid4(), email_verified=False)
    answer = await service.client.post(
        "/api/profiles/resumes", json={"title": "Cook"}, headers=headers
    )
    assert answer.status_code == 201, answer.text
    path = f"/api/profiles/resumes/{answer.json()['id']}"
    answer = await service.client.patch(path, json={"title": "Chef"}, headers=headers)
    assert answer.status_code == 200
