"""The notice centre and the bell, in front of a service that answers as the test says."""

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.api.models.notices import Notice
from hirewire.web.app import create_web
from hirewire.web.pages.notices import opening_path, subject_path
from hirewire.web.sessions import ACCESS
from tests.web.conftest import reply, serving
from tests.web.test_hardening import token

A, V, R, N, S = (str(UUID(int=n)) for n in (1, 2, 3, 4, 5))
TOKEN = token(json.dumps({"exp": time.time() + 600}))


def notice(**fields: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    made = {"id": N, "kind": "message", "at": at, "read": False, "count": 1, "side": "applicant"}
    about = {"applicationId": None, "vacancyId": V, "vacancyTitle": "<Cook>", "companyId": None}
    others = {"companyName": "Acme", "resumeId": R, "resumeTitle": "Chef", "detail": None}
    return made | about | others | fields


@dataclass
class Notifications:
    """The service `notifications`, with these notices."""

    items: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None
    status: int = 200
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    push: dict[str, Any] = field(default_factory=dict)
    time_zone: str | None = None
    """The reader's, as `auth` says."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not scope["path"].startswith("/api/notifications"):
            me = {"id": A, "email": "a@example.org", "timeZone": self.time_zone}
            await reply(send, json.dumps(me if scope["path"] == "/api/auth/me" else {}).encode())
            return
        path = scope["path"].removeprefix("/api/notifications")
        body = (await receive()).get("body", b"")
        self.calls.append((scope["method"], f"{path}?{scope['query_string'].decode()}", body))
        answers = {
            "/notices": {"items": self.items, "next": self.next},
            "/notices/unread": {"count": sum(not one["read"] for one in self.items)},
            "/notices/read-about": {"count": 7},
            "/push": self.push,
            **{f"/notices/{one['id']}": one for one in self.items},
        }
        is_bare = path.endswith("/read") or scope["method"] == "DELETE"
        status = 204 if is_bare and self.status == 200 else self.status
        await reply(send, json.dumps(answers.get(path, {})).encode(), status=status)


@dataclass
class Front:
    """The gateway as a signed-in person reaches it; `vacancies` has nothing new."""

    client: httpx.AsyncClient
    service: Notifications
    app: Any

    async def page(self, path: str, **headers: str) -> str:
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def changes(self) -> list[tuple[str, str, bytes]]:
        """The calls that changed something."""
        return [call for call in self.service.calls if call[0] != "GET"]


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    names = ("web", "auth", "profiles", "vacancies", "notifications")
    ports = {f"{name}_port": free_port() for name in names}
    service, app = Notifications(), create_web(load_settings({}, **ports))
    async with (
        serving(service, ports["notifications_port"]) as one,
        serving(service, ports["vacancies_port"]) as other,
        serving(service, ports["auth_port"]) as third,
        serving(app, ports["web_port"]) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['web_port']}", timeout=20) as client,
    ):
        client.cookies.set(ACCESS, TOKEN)
        yield Front(client, service, app)
        one.should_exit = other.should_exit = third.should_exit = server.should_exit = True


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "message", "applicationId": A}, f"/applications/{A}"),
        ({"kind": "vacancy_closed", "applicationId": A}, f"/applications/{A}"),
        ({"kind": "vacancy_closed"}, f"/vacancies/{V}"),
        ({"kind": "vacancy_closed", "side": "employer"}, f"/employer/vacancies/{V}"),
        ({"kind": "recommended_vacancy"}, f"/vacancies/{V}"),
        ({"kind": "recommended_vacancy", "count": 2}, "/me/matches/all"),
        ({"kind": "recommended_vacancy", "vacancyId": None}, "/me/matches/all"),
        ({"kind": "recommended_candidate", "side": "employer"}, f"/employer/resumes/{R}"),
        (
            {"kind": "recommended_candidate", "side": "employer", "count": 2},
            f"/employer/vacancies/{V}/candidates",
        ),
        ({"kind": "saved_search", "searchId": S}, f"/vacancies/{V}"),
        ({"kind": "saved_search", "searchId": S, "count": 2}, f"/me/searches/{S}"),
        ({"kind": "saved_search", "searchId": S, "vacancyId": None}, f"/me/searches/{S}"),
        ({"kind": "of_a_later_version", "vacancyId": None}, "/me"),
        ({"kind": "of_a_later_version", "vacancyId": None, "side": "employer"}, "/employer"),
    ],
)
def test_a_notice_leads_to_what_it_is_about(fields: dict[str, Any], path: str) -> None:
    one = Notice.model_validate(notice(**fields))
    assert subject_path(one) == path
    assert opening_path(one) == f"/notices/{N}?to={path}"


async def test_the_list_has_days_and_marks_what_is_unread(front: Front) -> None:
    now = datetime.now(UTC)
    ids = [str(UUID(int=n)) for n in range(40, 30, -1)]
    front.service.items = [
        notice(id=ids[0], kind="application_moved", detail="in_progress", applicationId=A),
        notice(id=ids[1], kind="recommended_vacancy", count=5, read=True),
        notice(
            id=ids[2],
            kind="application_received",
            side="employer",
            at=(now - timedelta(days=1)).isoformat(),
        ),
        notice(id=ids[3], kind="vacancy_closed", detail="filled", at="2026-01-03T12:00:00+00:00"),
        notice(
            id=ids[4],
            kind="application_answered",
            side="employer",
            detail="declined",
            resumeTitle=None,
            at="2026-01-03T11:00:00+00:00",
        ),
        notice(
            id=ids[6],
            at="2026-01-02T13:00:00+00:00",
            kind="saved_search",
            searchId=S,
            vacancyTitle="<Cook>",
            read=True,
        ),
        notice(id=ids[5], at="2026-01-02T12:00:00+00:00", kind="of_a_later_version", read=True),
    ]
    front.service.next = "on"
    english = await front.page("/notices", accept_language="en")
    assert re.findall(r'<h2 class="day">(.*?)</h2>', english) == [
        *("Today", "Yesterday", "3 January 2026", "2 January 2026")
    ]
    assert "Your application for “&lt;Cook&gt;”: Under review</a>" in english
    assert "5 new jobs for you</a>" in english
    assert "For your resume “Chef”</p>" in english, "each resume has its own notice"
    assert "New application for “&lt;Cook&gt;”</a>" in english
    assert "New notification</a>" in english
    assert "1 new job for “Saved search”</a>" in english, "`vacancies`, which names it, is away"
    assert ">&lt;Cook&gt; · Acme</p>" in english
    assert "Invitation to “&lt;Cook&gt;” declined</a></p>" in english
    assert ">Acme · Position filled</p>" in english, "the applicant's side names the company"
    assert "Chef" in english, "the employer's side names the resume"
    assert re.findall(r'<li id="notice-(.*?)" class="unread">', english) == ids[:1] + ids[2:5]
    assert english.count('<span class="hidden">New</span>') == 4
    assert "4 new</span>" in english, "the bell says how many"
    assert f'name="until" value="{ids[0]}"' in english
    assert 'rel="next" href="/notices?after=on"' in english.replace("\n ", "")

    russian = await front.page("/notices?unread=true", **{"accept-language": "ru"})
    assert "Уведомления" in russian
    assert "Ваш отклик на вакансию «&lt;Cook&gt;»: Рассматривается" in russian
    assert "5 новых вакансий для вас" in russian
    assert ("GET", "/notices?limit=30&unread=true", b"") in front.service.calls
    assert 'href="/notices?unread=true&amp;after=on"' in russian

    part = await front.page("/notices", **{"hx-request": "true"})
    assert part.lstrip().startswith('<section id="notices"')
    counts = await front.page("/unread", **{"hx-request": "true"})
    assert re.search(
        r'hx-target="#unread-notices".*id="unread-notices" class="count"><', counts, re.S
    )
    front.service.status = 503
    counts = await front.page("/unread", **{"hx-request": "true"})
    assert "unread-notices" not in counts, "the page keeps its count"
    assert "unread-employer" in counts


async def test_times_and_days_are_those_of_the_reader(front: Front) -> None:
    """At half past eight in the evening by UTC it is the next morning in Vladivostok."""
    front.service.items = [notice(at="2026-01-03T20:30:00+00:00")]
    board = await front.page("/notices")
    assert '<h2 class="day">3 January 2026</h2>' in board
    assert 'title="3 January 2026, 20:30 UTC">20:30</time>' in board
    front.service.time_zone = "Asia/Vladivostok"
    there = await front.page("/notices")
    assert '<h2 class="day">4 January 2026</h2>' in there
    assert 'title="4 January 2026, 06:30 UTC+10">06:30</time>' in there


async def test_notices_are_marked_one_by_one_or_all(front: Front) -> None:
    async def leads(path: str, **headers: str) -> str:
        answer = await front.client.get(path, headers=headers)
        assert answer.status_code == 303
        return answer.headers["location"]

    assert await leads(f"/notices/{N}?to=/applications/{A}") == f"/applications/{A}"
    assert front.changes() == [("PUT", f"/notices/{N}/read?", b"")]
    assert await leads(f"/notices/{N}?to=//evil.example") == "/notices"
    assert await leads(f"/notices/{N}") == "/notices"
    front.service.calls.clear()
    ahead = {"sec-purpose": "prefetch;prerender"}
    assert await leads(f"/notices/{N}?to=/me", **ahead) == "/me"
    assert front.changes() == [], "the reader has not opened it"
    front.service.status = 503
    assert await leads(f"/notices/{N}?to=/me") == "/me"
    front.service.status = 401
    assert (await leads(f"/notices/{N}?to=/me")).startswith("/signin?next=%2Fnotices%2F")
    front.service.status = 200
    front.service.calls.clear()

    # All are marked up to the newest of the page.
    answer = await front.client.post("/notices/read", data={"until": N})
    assert answer.headers["location"] == "/notices?done=notices_read"
    [(method, path, body)] = front.changes()
    assert (method, path, json.loads(body)) == ("POST", "/notices/read?", {"until": N})
    assert "All notifications are marked as read." in await front.page("/notices?done=notices_read")
    foreign = {"sec-fetch-site": "cross-site"}
    answer = await front.client.post("/notices/read", data={"until": N}, headers=foreign)
    assert answer.status_code == 403
    front.service.status = 422
    answer = await front.client.post("/notices/read", data={"until": ""})
    assert answer.headers["location"] == "/notices?done=changed"


async def test_opened_things_have_been_seen(front: Front) -> None:
    front.service.items = [notice(count=3)]
    assert "3 new messages about “&lt;Cook&gt;”</a>" in await front.page("/notices")

    async def seen(path: str, **headers: str) -> list[Any]:
        front.service.calls.clear()
        await front.client.get(path, headers=headers)
        calls = front.changes()
        assert all(call[:2] == ("POST", "/notices/read-about?") for call in calls)
        return [json.loads(body) for _, _, body in calls]

    candidates, jobs = {"kind": "recommended_candidate"}, {"kind": "recommended_vacancy"}
    assert await seen(f"/employer/resumes/{R}") == [candidates | {"resumeId": R}]
    assert await seen(f"/employer/vacancies/{V}/candidates") == [candidates | {"vacancyId": V}]
    assert await seen("/me/matches/all") == [jobs]
    ahead = {"sec-purpose": "prefetch"}
    assert await seen(f"/employer/resumes/{R}", **ahead) == []
    part = {"hx-request": "true"}
    assert await seen("/unread", **part) == []
    here = part | {"hx-current-url": f"https://example.org/applications/{A}?x"}
    assert await seen("/unread", **here) == [{"applicationId": A}]
    assert "7 new</span>" in await front.page("/unread", **here), "what is left"
    assert await seen("/unread", **part, **{"hx-current-url": "/applications/"}) == []
    front.service.items = []
    assert await seen(f"/employer/resumes/{R}") == [], "nothing is unread"


async def test_the_list_says_that_it_is_empty(front: Front) -> None:
    assert "No notifications yet" in await front.page("/notices")
    assert "No unread notifications" in await front.page("/notices?unread=true")
    front.service.items = [notice(read=True)]
    html = await front.page("/notices")
    assert "Mark all as read" not in html
    assert re.search(r'id="unread-notices" class="count" hidden', html)
    assert 'class="unread"' not in html
    front.service.status = 422
    answer = await front.client.get("/notices?after=old")
    assert answer.headers["location"] == "/notices", "the position in the list is outdated"


async def test_pages_work_without_the_service(front: Front) -> None:
    front.service.items = [notice()]
    html = await front.page("/contact")
    assert re.search(r'id="unread-notices" class="count"><', html)
    front.service.status = 503
    html = await front.page("/contact")
    assert re.search(r'id="unread-notices" class="count" hidden', html)
    assert "temporarily unavailable" in await front.page("/notices")
    front.client.cookies.clear()
    assert 'class="bell' not in await front.page("/contact")
    answer = await front.client.get("/notices")
    assert answer.headers["location"] == "/signin?next=%2Fnotices"

    front.client.cookies.set(ACCESS, TOKEN)
    await front.app.state.upstreams.pop("notifications").close()  # a board without it
    assert 'class="bell' not in await front.page("/contact")
    for path in ("/notices", f"/notices/{N}?to=/me"):
        assert (await front.client.get(path)).status_code == 404
