"""An employer with an open vacancy and a person whom it fits, also in a browser."""

import httpx
from playwright.async_api import Browser

from tests.builders import eventually
from tests.journeys.browsing import Somebody
from tests.journeys.paging import api, hires, page, sign_up


async def opens(client: httpx.AsyncClient) -> str:
    """An employer with an open vacancy; returns its id."""
    await hires(client)
    return await publishes(client, "Cook", "SQL")


async def publishes(client: httpx.AsyncClient, title: str, skill: str) -> str:
    body = {
        "title": title,
        "description": "<p>Soups.</p>",
        "requirements": [{"skill": skill, "kind": "must"}],
    }
    made = await api(client, "POST", "/vacancies/vacancies", body)
    await api(client, "POST", f"/vacancies/vacancies/{made['id']}/publish")
    return str(made["id"])


async def looks(client: httpx.AsyncClient) -> str:
    """A person with a name and a matching resume; returns its id."""
    await sign_up(client, "anna@example.org")

    async def is_named() -> bool:
        headers = {"Authorization": f"Bearer {client.cookies['hirewire_access']}"}
        body = {"fullName": "Anna Li"}
        answer = await client.patch("/api/profiles/me", json=body, headers=headers)
        return answer.status_code == 200

    await eventually(is_named)
    body = {"title": "Chef", "skills": [{"name": "SQL"}], "status": "published"}
    id = str((await api(client, "POST", "/profiles/resumes", body))["id"])

    async def fits() -> bool:
        return ">Cook</a>" in await page(client, "/me/matches/all")

    await eventually(fits)
    return id


async def at(
    browser: Browser,
    client: httpx.AsyncClient,
    url: str,
    language: str = "en-GB",
    **context: object,
) -> Somebody:
    """The same person in a browser."""
    somebody = await Somebody.arrive(browser, url, language, **context)
    cookies = [{"name": name, "value": value, "url": url} for name, value in client.cookies.items()]
    await somebody.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    return somebody
