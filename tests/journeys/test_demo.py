"""`hirewire demo` against a platform that is still starting."""

import asyncio
import io
import re

import pytest
from rich.console import Console

from hirewire.tools.demo import run_demo
from tests.builders import eventually
from tests.journeys.conftest import Platform


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_the_demo_waits_for_services_that_start(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirewire.tools.api_client.START_SECONDS", 60.0)
    await platform.start("web")
    output = io.StringIO()
    url = platform.settings.service_url("web")
    playing = asyncio.create_task(run_demo(url, Console(file=output, width=200)))

    async def has_asked() -> bool:
        return playing.done() or "/api/auth" in platform.log.read_text()

    await eventually(has_asked)
    await platform.start("auth", "profiles", "vacancies")
    assert await playing == 0, output.getvalue()


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_the_demo_shows_how_a_change_reaches_an_employer(platform: Platform) -> None:
    platform.environment["HIREWIRE_OUTGOING_NETWORKS"] = "127.0.0.0/8"
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    output = io.StringIO()
    played = await run_demo(platform.settings.service_url("web"), Console(file=output, width=200))
    assert played == 0, output.getvalue()
    for effect in ("employer has a notice", "employer's program has a webhook"):
        assert re.search(rf"{effect} +│ +[\d.]+", output.getvalue()), output.getvalue()
