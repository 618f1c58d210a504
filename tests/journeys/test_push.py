"""Web Push in a real browser: subscribed on the page, encrypted, shown and opened.

`PushManager.subscribe` needs the push service of the browser's maker. So the page gets a
subscription with real keys at a service of our own, which checks and decrypts what is sent; the
DevTools protocol hands the content to the service worker, as the browser does.
"""

import json

import pytest
from playwright.async_api import BrowserContext, CDPSession, Page

from tests.builders import eventually
from tests.journeys.browsing import PHONE, browsing
from tests.journeys.conftest import Platform
from tests.journeys.meeting import at, looks, opens
from tests.journeys.paging import api
from tests.push_service import coded, push_service

SUBSCRIBED = """({endpoint, p256dh, auth}) => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  let subscription = sessionStorage.subscribed ? made(bytes(sessionStorage.subscribed)) : null;
  function made(key) {
    return {
      endpoint,
      options: { userVisibleOnly: true, applicationServerKey: key.buffer },
      toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh, auth } }),
      unsubscribe: async () => {
        subscription = null;
        delete sessionStorage.subscribed;
        return true;
      },
    };
  }
  PushManager.prototype.getSubscription = async () => subscription;
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly) throw new Error("must be visible");
    sessionStorage.subscribed = btoa(String.fromCharCode(...applicationServerKey));
    return (subscription = made(applicationServerKey));
  };
}"""
SHOWN = """async () => {
  const worker = await navigator.serviceWorker.getRegistration("/");
  return (await worker.getNotifications()).map(
    ({ title, body, tag, lang, icon, badge }) => ({ title, body, tag, lang, icon, badge }));
}"""
CLICK = """async () => {
  const open = async (url) => { self.opened = url; };
  Object.defineProperty(self.clients, "openWindow", { value: open });
  const [notification] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  return self.opened;
}"""


async def devtools(page: Page, url: str) -> tuple[CDPSession, str]:
    """A session, and the number of the worker's registration."""
    session = await page.context.new_cdp_session(page)
    found: list[str] = []

    def updated(event: dict[str, list[dict[str, str]]]) -> None:
        found.extend(one["registrationId"] for one in event["registrations"])

    session.on("ServiceWorker.workerRegistrationUpdated", updated)
    await session.send("ServiceWorker.enable")

    async def is_there() -> bool:
        return bool(found)

    await eventually(is_there)
    return session, found[-1]


async def worker_of(context: BrowserContext) -> object:
    return context.service_workers[0]


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_a_push_is_shown_and_opens_what_it_is_about(
    platform: Platform, whole_chromium: str
) -> None:
    platform.environment["HIREWIRE_OUTGOING_NETWORKS"] = "127.0.0.0/8"
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    url = platform.settings.service_url("web")
    async with (
        push_service() as service,
        platform.client() as boss,
        platform.client() as anna,
        browsing(whole_chromium) as chrome,
    ):
        vacancy, resume = await opens(boss), await looks(anna)
        there = await at(chrome, boss, url, viewport=PHONE)
        page, context = there.page, there.page.context
        browser = service.subscribed("")
        keys = {"p256dh": coded(browser.public), "auth": coded(browser.auth)}
        given = json.dumps({"endpoint": browser.endpoint, **keys})
        await context.add_init_script(f"({SUBSCRIBED})({given})")

        await context.grant_permissions(["notifications"], origin=url)
        await page.goto("/account/push")
        await there.reads("This browser does not notify you.")
        assert await there.serious_in_both() == []
        await page.get_by_role("button", name="Notify me in this browser").focus()
        await page.keyboard.press("Enter")
        await there.reads("This browser notifies you.")
        assert await there.serious_in_both() == []
        browser.key = str(await page.locator("[data-key]").get_attribute("data-key"))
        [device] = (await api(boss, "GET", "/notifications/push"))["devices"]
        assert device["here"]
        assert device["name"].startswith("Chrome")

        applied = await anna.post(f"/vacancies/{vacancy}/apply", data={"resumeId": resume})
        application = applied.headers["location"].split("?")[0]

        async def is_pushed() -> bool:
            return bool(service.to(browser))

        await eventually(is_pushed)
        assert service.refused == []
        [taken] = service.to(browser)
        session, registration = await devtools(page, url)
        for _ in range(2):  # as when the answer was lost
            await session.send(
                "ServiceWorker.deliverPushMessage",
                {
                    "origin": url,
                    "registrationId": registration,
                    "data": json.dumps(taken.content),
                },
            )

        async def is_shown() -> bool:
            return len(await page.evaluate(SHOWN)) == 1

        await eventually(is_shown)
        [shown] = await page.evaluate(SHOWN)
        assert (shown["title"], shown["body"]) == ("New application", "Cook")
        assert (shown["tag"], shown["lang"]) == (taken.content["id"], "en")
        for picture in (shown["icon"], shown["badge"]):
            assert (await context.request.get(picture)).status == 200

        opened = await context.service_workers[0].evaluate(CLICK)
        assert opened == f"/notices/{taken.content['id']}"
        await page.goto(opened)
        await page.wait_for_url(f"**{application}")
        unread = await api(boss, "GET", "/notifications/notices?unread=true")
        assert taken.content["id"] not in {one["id"] for one in unread["items"]}
        assert await page.evaluate(SHOWN) == [], "it is closed"

        await page.goto("/account/push")
        await page.get_by_role("button", name="Turn off in this browser").click()
        await there.reads("This browser does not notify you.")
        await page.get_by_role("button", name="Notify me in this browser").click()
        await there.reads("This browser notifies you.")
        await page.locator("summary[aria-label]").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(lambda at: "/account" not in at)
        assert await page.evaluate("sessionStorage.subscribed") is None

        async def is_off() -> bool:
            return await _devices(platform) == 0

        await eventually(is_off)
        assert there.complaints == []


async def _devices(platform: Platform) -> int:
    from hirewire.messaging.database import connect

    address = platform.settings.service_database("notifications")
    connection = await connect(address, application="tests")
    try:
        return int(await connection.fetchval("select count(*) from push_device"))
    finally:
        await connection.close()


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_the_board_can_be_installed(platform: Platform, whole_chromium: str) -> None:
    await platform.start("web")
    url = platform.settings.service_url("web")
    async with browsing(whole_chromium) as chrome:
        context = await chrome.new_context(base_url=url, locale="ru-RU")
        page = await context.new_page()
        await page.goto("/about")
        session = await context.new_cdp_session(page)
        manifest = await session.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert json.loads(manifest["data"])["lang"] == "ru"
        problems = await session.send("Page.getInstallabilityErrors")
        assert [one["errorId"] for one in problems["installabilityErrors"]] in (
            [],
            ["in-incognito"],  # of this context, not of the page
        )
