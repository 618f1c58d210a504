"""Actions on the board and in the list of candidates can be undone, also without scripts."""

import re
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from tests.builders import eventually
from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, sign_up

ALL = ("auth", "profiles", "vacancies", "web")
PART = {"HX-Request": "true"}
SQL = {"skill": "SQL", "kind": "must"}
FULL = """() => {
  const [first, ...rest] = document.querySelectorAll(".board > section");
  const width = first.offsetWidth, card = first.querySelector("article"), wrong = [];
  for (let n = 0; n < 30; n++) card.after(card.cloneNode(true));
  first.scrollTo(0, first.scrollHeight);
  scrollTo(0, document.body.scrollHeight);
  const last = [...first.querySelectorAll("article")].at(-1);
  const { top, bottom } = first.querySelector("h2").getBoundingClientRect();
  if (top < 0 || bottom > last.getBoundingClientRect().top) wrong.push("the stage is out of view");
  for (const one of rest) one.remove();
  if (first.offsetWidth !== width) wrong.push("a column has another width until the next arrives");
  return wrong;
}"""
pytestmark = pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)


async def _opened(boss: httpx.AsyncClient) -> str:
    await hires(boss)
    body = {"title": "Cook", "description": "<p>Soups.</p>", "requirements": [SQL]}
    made = await api(boss, "POST", "/vacancies/vacancies", body)
    await api(boss, "POST", f"/vacancies/vacancies/{made['id']}/publish")
    return str(made["id"])


async def _applied(anna: httpx.AsyncClient, vacancy: str, title: str) -> str:
    """The id of an application with a new resume of this title."""
    body = {"title": title, "skills": [{"name": "SQL"}], "status": "published"}
    resume = (await api(anna, "POST", "/profiles/resumes", body))["id"]

    async def applies() -> str | None:
        answer = await anna.post(f"/vacancies/{vacancy}/apply", data={"resumeId": resume})
        return answer.headers["location"] if answer.status_code == 303 else None

    location = await eventually(applies)
    return re.split("[/?]", str(location))[2]


async def _stage(boss: httpx.AsyncClient, application: str) -> str:
    return str((await api(boss, "GET", f"/vacancies/applications/{application}"))["stage"])


async def test_a_move_is_undone_once_and_only_by_its_company(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna, platform.client() as other:
        vacancy = await _opened(boss)
        await sign_up(anna, "anna@example.org")
        application = await _applied(anna, vacancy, "<b>Chef</b> \u202eفريد 🍜 " + "x" * 150)
        board = f"/employer/vacancies/{vacancy}/board"
        move = {"application": application, "from": "response", "stage": "interview"}
        moved = await boss.post(board, data=move)
        undo = f"stage.{application}.response"
        assert moved.headers["location"] == f"{board}?done=moved&undo={undo}"
        html = await page(boss, moved.headers["location"])
        assert f'name="undo" value="{undo}"' in html
        assert "<b>Chef" not in html
        assert f'name="back" value="{board}"' in html

        await sign_up(other, "other@example.org")
        await other.post("/employer", data={"companyName": "Other", "phone": ""})
        outsider = await other.post("/undo", data={"undo": undo, "back": "/employer"})
        assert outsider.headers["location"] == "/employer?done=changed"
        assert await _stage(boss, application) == "interview"
        assert (await other.post(board, data=move)).status_code in (303, 404)
        assert await _stage(boss, application) == "interview"

        for done, back in (("undone", board), ("changed", "/")):
            answer = await boss.post("/undo", data={"undo": undo, "back": back})
            assert answer.headers["location"] == f"{back}?done={done}"
            assert await _stage(boss, application) == "response"
        away = await boss.post("/undo", data={"undo": undo, "back": "//example.org"})
        assert away.headers["location"].startswith("/?done=")
        for known in ("hired", "discard_by_employer", ""):
            wrong = f"stage.{application}.{known}"
            assert (await boss.post("/undo", data={"undo": wrong})).status_code == 404
            assert 'name="undo"' not in await page(boss, f"{board}?done=moved&undo={wrong}")
        for wrong in (f"path.{uuid4()}.response", "stage.x.response", "stage./../.response", "."):
            assert 'name="undo"' not in await page(boss, f"{board}?done=moved&undo={wrong}")

        part = await boss.post(board, data=move, headers=PART)
        assert "<html" not in part.text
        assert 'hx-target="#toasts"' in part.text
        assert undo in part.text
        late = await boss.post(board, data=move, headers=PART)  # a colleague was faster
        assert "no longer possible" in late.text
        assert undo not in late.text
        ended = {"application": application, "from": "interview", "stage": "discard_by_employer"}
        declined = await boss.post(board, data=ended | {"reason": "salary"})
        assert declined.headers["location"] == f"{board}?done=saved"
        assert "Declined: Salary expectations" in await page(boss, board)


async def test_a_dismissed_candidate_comes_back(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as anna:
        vacancy = await _opened(boss)
        await sign_up(anna, "anna@example.org")
        body = {"title": "Chef", "skills": [{"name": "SQL"}], "status": "published"}
        await api(anna, "POST", "/profiles/resumes", body)
        path = f"/employer/vacancies/{vacancy}/candidates"

        async def matches() -> str | None:
            found = re.search(r'id="candidate-([0-9a-f-]{36})"', await page(boss, path))
            return found[1] if found else None

        match = str(await eventually(matches))
        home = await page(boss, "/employer")
        assert re.search(rf'<td class="number"[^>]*><a href="{path}">1</a>', home)
        for action, was, before in (
            ("shortlisted", "new", "seen"),
            ("dismissed", "shortlisted", "shortlisted"),
            ("seen", "shortlisted", "shortlisted"),
        ):
            decision = {"recommendation": match, "action": action, "was": was}
            decided = await boss.post(path, data=decision)
            undo = f"match.{match}.{before}"
            assert decided.headers["location"] == f"{path}?done={action}&undo={undo}"
            assert (match in await page(boss, path)) == (action != "dismissed")
            answer = await boss.post("/undo", data={"undo": undo, "back": path})
            assert answer.headers["location"] == f"{path}?done=undone"
            assert f"candidate-{match}" in await page(boss, path)
            shown = await page(boss, path)
            assert ("Remove from shortlist" in shown) == (before == "shortlisted")


@pytest.mark.long
async def test_cards_move_by_keyboard_by_menu_and_on_a_phone(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with platform.client() as boss, platform.client() as anna, browsing(chromium) as browser:
        vacancy = await _opened(boss)
        await sign_up(anna, "anna@example.org")
        application = await _applied(anna, vacancy, "Chef")
        board = f"/employer/vacancies/{vacancy}/board"
        seen = []
        for settings in ({"viewport": DESKTOP}, {"viewport": PHONE, "java_script_enabled": False}):
            who = await Somebody.arrive(browser, url, "en-GB", **settings)
            await who.page.context.add_cookies(
                [{"name": name, "value": value, "url": url} for name, value in boss.cookies.items()]
            )
            await who.page.goto(board)
            seen.append(who)
        at, still = seen[0].page, seen[1].page
        card = f"#card-{application}"
        await expect(at.locator(f"{card} form[data-htmx-powered]").first).to_be_attached()
        await at.keyboard.press("j")
        await expect(at.locator(f"{card} .who a")).to_be_focused()
        await at.locator(f"{card} [popovertarget^=move-]").focus()
        await at.keyboard.press("Enter")
        await at.keyboard.press("Tab")
        await expect(at.locator(f"{card} button[value=consider]")).to_be_focused()
        await at.keyboard.press("Enter")
        await expect(at.locator(f"[data-stage=consider] {card}")).to_be_visible()
        await at.wait_for_function(f"document.activeElement.closest('{card}') !== null")
        toast = at.locator("#toasts .toast")
        await expect(toast).to_contain_text("Application moved.")
        assert await seen[0].serious() == []
        await toast.get_by_role("button", name="Undo").click()
        await expect(at.locator(f"[data-stage=response] {card}")).to_be_visible()
        await expect(at).to_have_url(re.compile(r"/board$"))  # a reload does not repeat the message

        await platform.stop("vacancies")
        await at.locator(card).drag_to(
            at.locator("[data-stage=consider]"), source_position={"x": 4, "y": 4}
        )
        await expect(at.locator("#told-away")).to_be_visible()
        await expect(at.locator(f"[data-stage=response] {card}")).to_be_visible()
        await platform.start("vacancies")

        async def is_back() -> bool:
            return (await boss.get(board)).status_code == 200

        await eventually(is_back, within=30)
        await still.goto(board)
        await still.locator(".stages a").nth(1).click()
        await expect(still.locator("#stage-consider")).to_be_in_viewport()
        await still.locator(".stages a").first.click()
        await still.locator(f"{card} [popovertarget^=move-]").click()
        await still.locator(f"{card} button[value=offer]").click()
        await expect(still.locator(f"[data-stage=offer] {card}")).to_have_count(1)
        await still.get_by_role("button", name="Undo").click()
        await expect(still.locator(f"[data-stage=response] {card}")).to_have_count(1)
        await at.goto(board)  # the open page may not have followed both moves yet
        await expect(at.locator(f"[data-stage=response] {card}")).to_be_visible()
        assert await at.evaluate(FULL) == []
        assert "503" in "".join(seen[0].complaints)
        assert seen[1].complaints == []
