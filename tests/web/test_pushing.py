"""The service worker, the manifest, and the page that notifies a browser."""

import json
import re
import struct

import pytest

from hirewire.web.pages.assets import STATIC
from tests.web.test_notices import A, Front, N, front, notice

__all__ = ["front"]
KEYS = {"p256dh": "B" * 87, "auth": "A" * 22}


async def test_the_worker_is_of_the_whole_site_and_keeps_nothing(front: Front) -> None:
    answer = await front.client.get("/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "hirewire_" not in answer.headers.get("set-cookie", "")
    code = re.sub(r"//.*", "", answer.text)
    listened = set(re.findall(r'addEventListener\("(\w+)"', code))
    assert "fetch" not in listened, "no page goes through it"
    assert "caches" not in code
    assert {"push", "notificationclick"} <= listened


async def test_the_manifest_names_icons_that_exist(front: Front) -> None:
    page = await front.page("/notices")
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    front.client.cookies.clear()  # browsers ask for it without cookies
    answer = await front.client.get("/manifest.webmanifest", headers={"accept-language": "ru"})
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["lang"], manifest["display"]) == ("ru", "standalone")
    assert manifest["shortcuts"][0] == {"name": "Вакансии", "url": "/vacancies"}
    assert "maskable" in {one.get("purpose") for one in manifest["icons"]}
    for one in manifest["icons"]:
        picture = await front.client.get(one["src"])
        assert picture.headers["cache-control"] == "public, max-age=31536000, immutable"
        size = struct.unpack(">II", picture.content[16:24])
        assert f"{size[0]}x{size[1]}" == one["sizes"]
    assert {path.name for path in (STATIC / "icons").iterdir()} == {
        *("icon-192.png", "icon-512.png", "maskable-512.png"),
        *("apple-touch-icon.png", "badge-96.png"),
    }


async def test_devices_are_listed_and_removed_without_scripts(front: Front) -> None:
    added = "2026-11-02T12:00:00+00:00"
    front.service.push = {
        "publicKey": "B" * 87,
        "devices": [
            {"id": A, "name": "Firefox · Linux", "here": True, "addedAt": added},
            {"id": N, "name": None, "here": False, "addedAt": added, "failingSince": added},
        ],
    }
    page = await front.page("/account/push")
    assert "data-push-here" in page
    assert f'data-key="{"B" * 87}"' in page
    assert f'action="/account/push/{A}/remove"' in page
    assert "Cannot be reached since 2 November 2026" in page
    answer = await front.client.post(f"/account/push/{N}/remove")
    assert answer.headers["location"] == "/account/push?done=push_off"
    assert front.changes() == [("DELETE", f"/push/{N}?", b"")]
    front.service.status = 404
    answer = await front.client.post(f"/account/push/{N}/remove")
    assert answer.headers["location"] == "/account/push?done=changed"


async def test_a_subscription_is_passed_on(front: Front) -> None:
    given = {"endpoint": "https://push.example/1", "keys": KEYS, "publicKey": "B" * 87}
    sent = json.dumps(given | {"expirationTime": None, "more": 1})
    for status, done in ((201, "push_on"), (409, "push_failed"), (422, "push_failed")):
        front.service.status = status
        answer = await front.client.post("/account/push", data={"subscription": sent})
        assert answer.headers["location"] == f"/account/push?done={done}"
        method, path, body = front.changes()[-1]
        assert (method, path, json.loads(body)) == ("POST", "/push?", given)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = await front.client.post("/account/push", data={"subscription": sent}, headers=foreign)
    assert answer.status_code == 403
    assert len(front.changes()) == 3
    front.service.status = 422
    for nonsense in ("", "[]", "{", "[" * 100_000, '"x"'):
        answer = await front.client.post("/account/push", data={"subscription": nonsense})
        assert answer.headers["location"] == "/account/push?done=push_failed", nonsense


async def test_the_page_works_while_the_service_is_away(front: Front) -> None:
    front.service.status = 503
    assert "temporarily unavailable" in await front.page("/account/push")
    front.client.cookies.clear()
    for path in ("/account/push", f"/notices/{N}"):
        answer = await front.client.get(path)
        assert answer.headers["location"].startswith("/signin?next=%2F")


@pytest.mark.parametrize(
    ("status", "path"), [(200, f"/applications/{A}"), (404, "/notices"), (503, "/notices")]
)
async def test_a_notification_opens_what_it_is_about(front: Front, status: int, path: str) -> None:
    front.service.items = [notice(applicationId=A)]
    front.service.status = status
    answer = await front.client.get(f"/notices/{N}")
    assert answer.headers["location"] == path
    assert front.changes()[0][:2] == ("PUT", f"/notices/{N}/read?")
