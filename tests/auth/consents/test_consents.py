"""Consents: given at registration or later, by version, and shown to the person."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hirewire.kit.notices import Block, notice
from hirewire.kit.settings import SettingsError
from hirewire.web.sessions import claims
from tests.auth.conftest import PASSWORD, Auth

VERSION = notice(None).version
NEXT = """
version = "2027-01"
[en]
text = "Read this.\\n\\n## Heading\\n- one\\n- two\\n"
[ru]
text = "Прочтите."
"""


async def _consents(auth: Auth, tokens: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    answer = await auth.client.get("/api/auth/consents", headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def _agree(auth: Auth, tokens: dict[str, Any], version: str) -> int:
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    body = {"consent": version}
    return (await auth.client.post("/api/auth/consents", json=body, headers=headers)).status_code


async def test_at_registration(auth: Auth) -> None:
    read = await auth.client.get("/api/auth/privacy-notice")
    assert read.json()["version"] == VERSION
    assert {"en", "ru"} <= read.json().keys()
    body = {"email": "anna@example.org", "password": PASSWORD, "consent": VERSION}
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/130.0"}
    old = await auth.client.post("/api/auth/register", json=body | {"consent": "2001-01-01"})
    assert (old.status_code, old.json()["code"]) == (409, "consent_outdated")
    assert await auth.rows("select id from user_account") == []
    made = await auth.client.post("/api/auth/register", json=body, headers=agent)
    assert made.status_code == 201
    tokens = await auth.login()
    assert claims(tokens["accessToken"])["consent"] == VERSION
    [one] = (await _consents(auth, tokens))["items"]
    assert one["version"] == VERSION
    assert (one["device"], one["network"]) == ("Firefox · Linux", "127.0.0.0/24")


async def test_without_one_the_person_is_asked_later(auth: Auth) -> None:
    await auth.register()
    tokens = await auth.login()
    assert "consent" not in claims(tokens["accessToken"])
    assert (await _consents(auth, tokens)) == {"current": VERSION, "items": []}
    for wrong, status in (("", 409), ("2001-01-01", 409), ("x" * 33, 422)):
        assert await _agree(auth, tokens, wrong) == status
    given = await asyncio.gather(*(_agree(auth, tokens, VERSION) for _ in range(3)))
    assert given == [204, 204, 204]
    assert len((await _consents(auth, tokens))["items"]) == 1
    tokens = (await auth.refresh(tokens["refreshToken"])).json()
    assert claims(tokens["accessToken"])["consent"] == VERSION


async def test_a_newer_version(auth: Auth, tmp_path: Path) -> None:
    await auth.register()
    tokens = await auth.login()
    assert await _agree(auth, tokens, VERSION) == 204
    file = tmp_path / "notice.toml"
    file.write_text(NEXT, encoding="utf-8")
    settings = auth.service.app.state.settings
    changed = settings.model_copy(update={"privacy_notice": file})
    auth.service.app.state.settings = changed
    assert (await _consents(auth, tokens))["current"] == "2027-01"
    assert await _agree(auth, tokens, VERSION) == 409
    assert await _agree(auth, tokens, "2027-01") == 204
    found = (await _consents(auth, tokens))["items"]
    assert [one["version"] for one in found] == ["2027-01", VERSION]
    text, heading, points = notice(file).blocks("en")
    assert text == Block("text", ("Read this.",))
    assert heading == Block("heading", ("Heading",))
    assert points == Block("list", ("one", "two"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version = 3",
        'version = "a b"',
        'version = "1"\n[en]\ntext = "x"',
        'version = "1"\n[en]\ntext = " "\n[ru]\ntext = "x"',
        "version = ",
    ],
)
def test_a_notice_that_cannot_be_read_stops_the_start(text: str, tmp_path: Path) -> None:
    file = tmp_path / "notice.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="HIREWIRE_PRIVACY_NOTICE"):
        notice(file)
    with pytest.raises(SettingsError, match="HIREWIRE_PRIVACY_NOTICE"):
        notice(tmp_path / "none.toml")
