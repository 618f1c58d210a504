"""Who can see what of a candidate, in every output of the platform.

These are the API, pages, PDF, feeds, the live stream, events and the log.
The candidate has three resumes: one that was changed after two applications, of which one was
withdrawn; a draft; and one with a link.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO

import httpx
import pytest
from fastapi.routing import APIRoute
from pypdf import PdfReader

from hirewire.messaging.database import connect
from hirewire.notifications.app import SERVICE as NOTIFICATIONS
from hirewire.profiles.app import SERVICE as PROFILES
from hirewire.vacancies.app import SERVICE as VACANCIES
from hirewire.web.sessions import ACCESS
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, sign_up

MARKS = {
    "title": "Falconnow",
    "old title": "Falconwas",
    "text": "Summarynow",
    "old text": "Summarywas",
    "phone": "+7 000 222",
    "old phone": "+7 000 111",
    "page": "anna-now.example",
    "old page": "anna-was.example",
    "name": "Anna Realname",
    "draft": "Draftsecret",
    "linked": "Linkedtitle",
    "account": "owner@example.org",
}
"""The texts that are searched for in every response; `user` (an id) and `key` (of the link) are
added.
"""

EMPLOYERS = ("none", "open", "withdrawn", "hidden")
"""Employers without an application, with an open one, with a withdrawn one, and one from which the
resume is hidden.
"""
WHO = ("nobody", "other", "owner", *EMPLOYERS)
LOOKERS = {"none": "title", "open": "title", "withdrawn": "title"}
WHOLE = {"open": "title, text, name, phone, page", "withdrawn": "old title, old text, name"}
APPLIED = {"open": "title", "withdrawn": "old title"}
APPLIED_OF_THEN = dict.fromkeys(APPLIED, "old title")
"""Notices keep the title that the resume had when they were made."""
NAMED = {who: f"{title}, name" for who, title in APPLIED.items()}
EVERYBODY = dict.fromkeys(WHO, "linked, name")
Seen = dict[str, str]

TABLE: dict[str, Seen] = {
    "/api/auth/me": {"owner": "user, account"},
    "/api/auth/admin/people": {},
    "/api/auth/admin/people/{user}": {},
    "/api/auth/admin/audit": {},
    "/admin": {},
    "/admin/people/{user}": dict.fromkeys(WHO, "user"),  # a page names its own address
    "/admin/log": {},
    "/api/profiles/me": {"owner": "user, name, phone, page, account"},
    "/api/profiles/resumes": {"owner": "title, text, draft, linked, key"},
    "/api/profiles/resumes/{R}": {"owner": "title, text"},
    "/api/profiles/resumes/{R}/export": {"owner": "title, text"},
    "/api/profiles/resumes/{R}/export?format=pdf": {"owner": "title, text, name, phone, page"},
    "/api/profiles/resumes/{R}/readers": {},
    "/api/profiles/candidates?resume={R}": {"open": "name", "withdrawn": "name"},
    "/api/profiles/candidates/{R}": WHOLE,
    "/api/profiles/candidates/{R}/pdf": WHOLE,
    "/api/profiles/candidates/{D}": {},
    "/api/profiles/candidates/{L}": {},
    "/api/profiles/shared/{key}": EVERYBODY,
    "/api/vacancies/applications": {"owner": "title, user"},
    "/api/vacancies/applications?role=employer": APPLIED,
    "/api/vacancies/applications/counts": {},
    "/api/vacancies/applications/unread": {},
    "/api/vacancies/applications/{A}": {"owner": "title, user", "open": "title"},
    "/api/vacancies/applications/{W}": {"owner": "title, user", "withdrawn": "old title"},
    "/api/vacancies/applications/{A}/messages": {},
    "/api/vacancies/applications/{A}/interviews": {},
    "/api/vacancies/interviews": {},
    "/api/vacancies/interviews?role=employer": {},
    "/api/vacancies/recommended": {},
    "/api/vacancies/resumes/{R}/viewers": {},
    "/api/vacancies/vacancies?q=cook": {},
    "/api/vacancies/vacancies/overview": {},
    "/api/vacancies/vacancies/{V}": {},
    "/api/vacancies/vacancies/{V}/scores?resume={R}": {},
    "/api/vacancies/vacancies/{V}/fits?resume={R}": {},
    "/api/vacancies/feeds/vacancies.atom": {},
    "/api/vacancies/feeds/jobs.xml": {},
    "/": {},
    "/sitemap.xml": {},
    "/vacancies": {},
    "/vacancies/{V}": {"owner": "title, linked"},
    "/vacancies/{V}/report": {},
    "/account": {"owner": "account"},
    "/account/security-log": {},
    "/account/notifications": {"owner": "account"},
    "/me": {"owner": "title, draft, linked, name, phone, account"},
    "/resumes/{R}": {"owner": "title, text"},
    "/resumes/{R}/file.pdf": {"owner": "title, text, name, phone, page"},
    "/resumes/{R}/file.json": {"owner": "title, text"},
    "/applications/{A}": {"open": "title, text, name, phone, page"},
    "/applications/{W}": {"withdrawn": "old title, old text, name"},
    "/applications/{A}/resume.pdf": {"open": WHOLE["open"]},
    "/applications/{W}/resume.pdf": {"withdrawn": WHOLE["withdrawn"]},
    "/me/applications/all": {},
    "/me/matches/all": {},
    "/me/saved": {},
    "/interviews": {},
    "/companies/{C}": {},
    "/companies/{C}/report": {},
    "/api/vacancies/decisions": {},
    "/employer/mine/all": {},
    "/employer/vacancies/{V}": {},
    "/employer/vacancies/{V}/board": NAMED,
    "/employer/vacancies/{V}/board/response": {"open": NAMED["open"]},
    "/employer/vacancies/{V}/board/discard_by_applicant": {"withdrawn": NAMED["withdrawn"]},
    "/unread": {},
    "/notices": APPLIED_OF_THEN,
    "/api/notifications/notices": APPLIED_OF_THEN,
    "/api/notifications/notices/unread": {},
    "/api/notifications/preferences": {},
    "/api/notifications/unsubscribe": {},
    "/api/notifications/push": {},
    "/employer/unread/all": {},
    "/shared/{key}": EVERYBODY,
}
LOOKED: dict[str, Seen] = dict.fromkeys(
    (
        "/api/vacancies/activity",
        "/api/vacancies/resumes",
        "/api/vacancies/resumes?q=sql&facets=true",
        "/api/vacancies/resumes/{R}",
        "/api/vacancies/recommendations",
        "/api/vacancies/vacancies/{V}/recommendations",
        "/employer",
        "/employer/activity/all",
        "/employer/matches/all",
        "/employer/resumes",
        "/employer/resumes/{R}",
        "/employer/vacancies/{V}/candidates",
    ),
    LOOKERS,
) | {"/api/vacancies/resumes/{D}": {}, "/api/vacancies/resumes/{L}": {}}
"""How employers find visible candidates: anonymously, and no longer once they are hidden."""
NOTICES = "/api/notifications/notices"
MATCHED: dict[str, Seen] = {
    "/notices": APPLIED_OF_THEN | {"none": "old title", "owner": "old title"},
    NOTICES: APPLIED_OF_THEN | {"none": "old title", "owner": "old title"},
}
"""Notices while the resume is visible. Those about matches go when it is hidden."""
ELSEWHERE = {
    "/about",
    "/admin/companies",
    "/admin/companies/{id}",
    "/admin/reports",
    "/api/vacancies/admin/companies",
    "/api/vacancies/admin/companies/{id}",
    "/admin/reports/{target}/{id}",
    "/api/vacancies/admin/audit",
    "/api/notifications/admin/audit",
    "/api/vacancies/admin/reported",
    "/api/vacancies/admin/reported/count",
    "/api/vacancies/admin/reported/{target}/{id}",
    # Of an interview: times, the job and the company, and for the company the resume's title.
    "/api/vacancies/interviews/{id}",
    "/api/vacancies/interviews/{id}/calendar.ics",
    "/api/vacancies/calendar",
    "/api/vacancies/calendar/{secret}.ics",
    "/applications/{id}/interviews/{interview}.ics",
    "/calendar/{secret}.ics",
    "/contact",
    "/privacy",
    "/ahead.json",
    "/api",
    "/api/docs",
    "/docs",
    "/companies",
    "/docs/{name}",
    "/me/searches/{id}",
    "/me/{part}",
    "/robots.txt",
    "/sitemaps/{n}.xml",
    "/status",
    "/session",
    "/api/auth/sessions",
    "/api/notifications/email",
    "/api/auth/erasures/{receipt_id}",
    "/account/delete",
    "/erasures/{receipt}",
    "/account/passkeys/new",
    "/account/passkeys/{id}",
    "/account/two-step",
    "/account/two-step/codes",
    "/account/two-step/off",
    "/api/auth/security-log",
    "/api/auth/tokens",
    "/api/auth/api-keys",
    "/api/auth/identities",
    "/api/auth/providers",
    "/signin/with/{id}",
    "/signup/with/{id}",
    "/account/identities/{id}/connect",
    "/signin/from/{id}",
    "/unsubscribe",
    "/email/code",
    "/email/verify",
    "/account/export",
    "/account/export/state",
    "/account/keep",
    "/api/profiles/retention",
    "/api/vacancies/retention",
    "/email/change",
    "/password/forgot",
    "/password/reset",
    "/notices/{id}",
    "/api/notifications/notices/{id}",
    "/account/push",
    "/manifest.webmanifest",
    "/sw.js",
    "/signin",
    "/signup",
    "/skills",
    "/places",
    "/employer/mine",
    "/employer/{part}",
    "/api/vacancies/feeds/vacancies.{kind}",
    "/api/vacancies/companies",
    "/api/vacancies/companies/{id}",
    "/api/vacancies/companies/{id}/logo",
    "/employer/api-keys",
    "/employer/api-keys/{id}",
    "/employer/company",
    "/api/vacancies/employer-profile",
    "/api/vacancies/feeds/sitemap.xml",
    "/api/vacancies/feeds/sitemaps/{n}.xml",
    "/api/vacancies/overview",
    "/api/vacancies/saved",
    "/api/vacancies/searches",
    "/api/vacancies/places",
    "/api/vacancies/skills",
    "/api/vacancies/skills/names",
    "/api/vacancies/skills/{id}",
    # Ids and states only; the tests of webhooks look at what is sent.
    "/api/notifications/webhooks",
    "/api/notifications/webhooks/events",
    "/api/notifications/webhooks/{id}",
    "/api/notifications/webhooks/{id}/deliveries",
    "/api/notifications/webhooks/{id}/deliveries/{delivery_id}",
    *(
        f"/{side}/webhooks{path}"
        for side in ("employer", "admin")
        for path in ("", "/{id}", "/{id}/deliveries/{delivery_id}")
    ),
}
"""Paths that contain no data of candidates, or only a part of a page in the table."""
PAGES = (
    "about",
    *(
        "account",
        "addresses",
        "api_keys",
        "applications",
        "board",
        "candidate",
        "employer",
        "passwords",
    ),
    *("people", "operators", "passkeys", "providers", "security", "two_step", "verifying"),
    *("moderation", "verification", "webhooks"),
    *("notification_settings", "unsubscribing"),
    *("posting", "resumes", "routes", "saved", "notices", "leaving", "exporting", "keeping"),
    *("interviews", "pushing"),
)


@dataclass
class Person:
    """A person with a browser."""

    client: httpx.AsyncClient
    vacancy: str = ""
    received: list[str] = field(default_factory=list)

    async def answer(self, path: str) -> str:
        """The whole response: status line, headers, text."""
        headers = {}
        if path.startswith("/api/") and ACCESS in self.client.cookies:
            headers["Authorization"] = f"Bearer {self.client.cookies[ACCESS]}"
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code < 500, f"{path}: {answer.text}"
        text = answer.text
        if answer.headers.get("content-type") == "application/pdf":
            text = " ".join(p.extract_text() for p in PdfReader(BytesIO(answer.content)).pages)
        given = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        return f"{given} {text}"


async def _hires(person: Person, name: str) -> str:
    """Become an employer with an open vacancy; returns the company's id."""
    await sign_up(person.client, f"{name}@example.org")
    await person.client.post("/employer", data={"companyName": f"Company {name}", "phone": ""})
    body = {
        "title": "Cook",
        "description": "<p>Soups.</p>",
        "requirements": [{"skill": "SQL", "kind": "must"}],
    }
    made = await api(person.client, "POST", "/vacancies/vacancies", body)
    await api(person.client, "POST", f"/vacancies/vacancies/{made['id']}/publish")
    person.vacancy = made["id"]
    return str(made["companyId"])


async def _resume(owner: httpx.AsyncClient, **fields: object) -> str:
    body = {"title": "x", "skills": [{"name": "SQL", "level": 4}], "status": "published"} | fields
    return str((await api(owner, "POST", "/profiles/resumes", body))["id"])


async def _is_me(owner: httpx.AsyncClient, mark: str, page: str) -> None:
    contacts = [{"kind": "phone", "value": MARKS[mark], "preferred": True}]
    links = [{"url": f"https://{MARKS[page]}/"}]
    body = {"fullName": MARKS["name"], "contacts": contacts, "links": links}
    await api(owner, "PATCH", "/profiles/me", body)


async def _listen(person: Person) -> None:
    """Record what an open page receives."""
    async with person.client.stream("GET", "/live", timeout=None) as answer:
        async for line in answer.aiter_lines():
            person.received.append(line)


async def _enter(owner: httpx.AsyncClient, resume: str, employer: Person) -> str:
    path = f"/vacancies/vacancies/{employer.vacancy}/applications"

    async def applied() -> str | None:
        headers = {"Authorization": f"Bearer {owner.cookies[ACCESS]}"}
        body = {"resumeId": resume}
        answer = await owner.post(f"/api{path}", json=body, headers=headers)
        return str(answer.json()["id"]) if answer.status_code == 201 else None

    return str(await eventually(applied, what="the resume is known to vacancies"))


async def _act_it_out(people: dict[str, Person]) -> dict[str, str]:
    """The events before the checks; returns the ids and the key."""
    owner = people["owner"].client
    await sign_up(people["other"].client, "other@example.org")
    await sign_up(owner, "owner@example.org")
    companies = {name: await _hires(people[name], name) for name in EMPLOYERS}

    await eventually(lambda: _found(owner, "/profiles/me"))
    await _is_me(owner, "old phone", "old page")
    was = {"title": MARKS["old title"], "summary": MARKS["old text"]}
    ids = {
        "R": await _resume(owner, **was, hiddenFrom=[companies["hidden"]]),
        "D": await _resume(owner, title=MARKS["draft"], status="draft"),
        "L": await _resume(owner, title=MARKS["linked"], visibility="link", linkShows=["name"]),
    }
    ids["C"] = companies["open"]
    ids["A"] = await _enter(owner, ids["R"], people["open"])
    ids["W"] = await _enter(owner, ids["R"], people["withdrawn"])
    for name in ("open", "withdrawn"):
        path = f"/profiles/candidates/{ids['R']}"
        await eventually(lambda n=name, p=path: _found(people[n].client, p))  # type: ignore[misc]
    await api(owner, "POST", f"/vacancies/applications/{ids['W']}/withdraw")
    await _is_me(owner, "phone", "page")
    streams = [asyncio.create_task(_listen(people[who])) for who in WHO if who != "nobody"]
    now = {"title": MARKS["title"], "summary": MARKS["text"]}

    async def all_listen() -> bool:
        return all(people[who].received for who in WHO if who != "nobody")

    await eventually(all_listen)
    linked = await api(owner, "GET", f"/profiles/resumes/{ids['L']}")
    await api(owner, "PATCH", f"/profiles/resumes/{ids['R']}", now)
    ids["key"] = linked["linkKey"]

    async def all_received() -> bool:
        return all(
            any("event: activity" in line for line in people[name].received) for name in EMPLOYERS
        )

    await eventually(all_received)
    for task in streams:
        task.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    return ids | {"user": (await api(owner, "GET", "/auth/me"))["id"]}


async def _found(client: httpx.AsyncClient, path: str) -> bool:
    headers = {"Authorization": f"Bearer {client.cookies[ACCESS]}"}
    return (await client.get(f"/api{path}", headers=headers)).status_code == 200


def _wrong(seen: dict[tuple[str, str], set[str]], table: dict[str, Seen]) -> str:
    """Where more or less is visible than expected, a line each."""
    lines = []
    for (path, who), marks in sorted(seen.items()):
        expected = {mark for mark in table[path].get(who, "").split(", ") if mark}
        if "{key}" in path:
            marks -= {"key"}  # the owner of the link knows it
        if marks != expected:
            more, less = sorted(marks - expected), sorted(expected - marks)
            lines.append(f"{path}, {who}: more {more}, less {less}")
    return "\n".join(lines)


async def _looked_at(
    people: dict[str, Person], ids: dict[str, str], table: dict[str, Seen]
) -> dict[tuple[str, str], set[str]]:
    marks = MARKS | {name: ids[name] for name in ("user", "key")}
    seen = {}
    for path in table:
        texts = await asyncio.gather(
            *(
                person.answer(path.format(V=person.vacancy or people["open"].vacancy, **ids))
                for person in people.values()
            )
        )
        for who, text in zip(people, texts, strict=True):
            seen[path, who] = {name for name, mark in marks.items() if mark in text}
    return seen


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_visibility_of_candidates_data(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    async with AsyncExitStack() as stack:
        people = {who: Person(await stack.enter_async_context(platform.client())) for who in WHO}
        ids = await _act_it_out(people)
        marks = MARKS | {name: ids[name] for name in ("user", "key")}

        async def all_has_arrived() -> bool:
            lists = await people["none"].answer("/api/vacancies/recommendations")
            kept = await people["withdrawn"].answer(f"/api/profiles/candidates/{ids['R']}")
            found = await people["none"].answer("/api/vacancies/resumes")
            old = await people["withdrawn"].answer(f"/api/vacancies/applications/{ids['W']}")
            notified = [await people[who].answer(NOTICES) for who in MATCHED[NOTICES]]
            return (
                all(MARKS["title"] in text for text in (lists, found))
                and all(MARKS["old title"] in text for text in notified)
                and MARKS["old text"] in kept
                and MARKS["old title"] in old
            )

        await eventually(all_has_arrived)
        whole = TABLE | LOOKED | MATCHED
        assert _wrong(await _looked_at(people, ids, whole), whole) == ""

        for who, person in people.items():
            text = " ".join(person.received)
            assert not [name for name, mark in marks.items() if mark in text], who

        owner = people["owner"].client
        await api(owner, "PATCH", f"/profiles/resumes/{ids['R']}", {"visibility": "no_one"})

        async def is_gone() -> bool:
            lists = await people["none"].answer("/api/vacancies/recommendations")
            found = await people["none"].answer("/api/vacancies/resumes")
            notified = [await people[who].answer(NOTICES) for who in ("none", "owner")]
            return not any(MARKS["title"] in text for text in (lists, found)) and not any(
                MARKS["old title"] in text for text in notified
            )

        await eventually(is_gone)
        hidden = TABLE | {path: {} for path in LOOKED}
        assert _wrong(await _looked_at(people, ids, hidden), hidden) == ""
    await _nothing_in_events_and_log(platform, marks)


async def _nothing_in_events_and_log(platform: Platform, marks: dict[str, str]) -> None:
    personal = {name: mark for name, mark in marks.items() if name not in ("user", "title")}
    anonymous = ("old title", "draft", "linked")
    for service in ("auth", "profiles", "vacancies", "notifications"):
        connection = await connect(platform.settings.service_database(service), application="tests")
        rows = await connection.fetch("select row_to_json(l)::text as line from messaging.log l")
        await connection.close()
        text = " ".join(row["line"] for row in rows)
        assert rows
        named = {n for n, mark in personal.items() if mark in text}
        registered = {"account"} if service == "auth" else set()
        assert named - registered <= set(anonymous), "who registers is named by their address alone"
    log = platform.log.read_text(encoding="utf-8")
    assert "/shared/" in log
    assert not [name for name, mark in personal.items() if mark in log]
    assert "owner@example.org" not in log


def test_every_public_path_is_in_the_table() -> None:
    """Every new readable address must be in the table, or listed as free of candidates' data."""
    shown = {path.partition("?")[0] for path in TABLE | LOOKED} | ELSEWHERE
    pages = [import_module(f"hirewire.web.pages.{name}").router for name in PAGES]
    paths = {
        route.path
        for router in (*PROFILES.routes, *VACANCIES.routes, *NOTIFICATIONS.routes, *pages)
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }
    forgotten = [
        path
        for path in paths
        if not any(re.fullmatch(re.sub(r"\{[\w:]+\}", "[^/]+", path), one) for one in shown)
    ]
    assert sorted(forgotten) == []
