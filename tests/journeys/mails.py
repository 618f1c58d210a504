"""The mails that the platform has kept, as their readers use them."""

import re

import httpx
from playwright.async_api import Page

from tests.builders import eventually


async def mails(
    client: httpx.AsyncClient, subject: str = "", *, to: str = "", least: int = 1
) -> list[dict[str, str]]:
    """The kept mails with this subject and reader, the newest first, once there are so many."""
    found: list[dict[str, str]] = []

    async def are() -> bool:
        nonlocal found
        items = (await client.get("/dev/mail.json")).json()["items"]
        found = [one for one in items if subject in one["subject"] and to in one["to"]]
        return len(found) >= least

    await eventually(are, within=30, what=f"{least} mails {subject}")
    return found


async def code_of(client: httpx.AsyncClient, to: str, *, least: int = 1) -> str:
    """The code of the newest mail to an address."""
    newest, *_ = await mails(client, to=to, least=least)
    [code] = re.findall(r"^ {4}(\d{6})\s*$", newest["text"], re.M)
    return str(code)


async def follow(page: Page, mail: dict[str, str], name: str) -> None:
    """Open the kept mail whose subject this is, and press its button."""
    await page.goto("/dev/mail")
    card = page.locator("li", has=page.get_by_role("heading", name=mail["subject"])).first
    await card.get_by_role("link").first.click()
    await page.get_by_role("link", name=name).click()
