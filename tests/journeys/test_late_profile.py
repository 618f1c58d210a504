"""The home page of somebody whose profile comes late."""

import asyncio

import pytest
from playwright.async_api import expect

from hirewire.launcher.process import free_port
from tests.journeys.browsing import Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.forked import fork

ASKED = 3
"""How often the page asks before the profile is there."""


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_profile_that_comes_late_appears_by_itself(
    platform: Platform, chromium: str, *, scripts: bool
) -> None:
    """Without scripts the browser loads the page again."""
    inherited = platform._inherited() | platform.environment
    platform.processes["profiles"] = fork(
        ["serve", "profiles", "--role", "api"], env=inherited, log=platform.log
    )
    await platform.start("auth", "vacancies", "notifications", "web")
    await platform.ready("profiles")
    async with browsing(chromium) as browser:
        address = platform.settings.service_url("web")
        anna = await Somebody.arrive(browser, address, "en", java_script_enabled=scripts)
        page = anna.page
        asked = asyncio.Semaphore(0)
        part = "/me/profile" if scripts else "/me"
        page.on("response", lambda one: asked.release() if part in one.url else None)
        await anna.register()
        await expect(page.locator("#profile .note")).to_be_visible()
        async with asyncio.timeout(30):
            for _ in range(ASKED):
                await asked.acquire()
        port = {"HIREWIRE_PROFILES_PORT": str(free_port())}
        platform.processes["profiles worker"] = fork(
            ["serve", "profiles", "--role", "worker"], env=inherited | port, log=platform.log
        )
        await expect(page.locator("#profile details")).to_be_visible()
