"""Public vacancy pages, markup and feeds, over the real service and real sockets."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import httpx
import pytest
from sqlalchemy.engine import make_url

from hirewire.assembly import load_settings
from hirewire.kit import clock, keyring
from hirewire.kit.clock import now
from hirewire.kit.service import create_app
from hirewire.launcher.process import free_port
from hirewire.vacancies.app import SERVICE
from hirewire.web.api.models.vacancies import Vacancy
from hirewire.web.app import create_web
from hirewire.web.i18n.words import words
from hirewire.web.pages import jsonld
from tests.builders import eventually
from tests.services import KEY, NoBroker, copy_of_migrated, token_for
from tests.web.conftest import serving

HOSTILE = "</script><script>alert(1)</script> & <b>\u2028\x0b]]>"
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@dataclass
class Site:
    client: httpx.AsyncClient
    employer: UUID
    origin: str

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token_for(self.employer, iss=self.origin)}"}
        answer = await self.client.request(
            method, f"/api/vacancies{path}", json=body, headers=headers
        )
        answer.raise_for_status()
        return answer.json()

    async def publish(self, title: str, **fields: Any) -> str:
        body = {"title": title, "description": "<p>Work &amp; <b>play</b></p>"} | fields
        id = (await self.call("POST", "/vacancies", body))["id"]
        await self.call("POST", f"/vacancies/{id}/publish")
        return str(id)

    async def page(self, path: str, status: int = 200, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.get(path, headers=named)
        assert answer.status_code == status, answer.text
        return answer

    async def markup(self, id: str) -> dict[str, Any]:
        text = (await self.page(f"/vacancies/{id}")).text
        [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.S)
        posting: dict[str, Any] = json.loads(found)
        return posting


@pytest.fixture
async def site(fresh_address: str) -> AsyncIterator[Site]:
    port, behind = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    settings = load_settings(
        {},
        database_url=make_url(fresh_address).render_as_string(hide_password=False),
        web_port=port,
        vacancies_port=behind,
        auth_port=free_port(),
        profiles_port=free_port(),
        public_url=origin,
        country="RU",
    )
    await copy_of_migrated(settings.service_database("vacancies"), "vacancies")
    service = create_app(SERVICE, settings, role="api", broker=NoBroker())
    async with (
        serving(service, behind),
        serving(create_web(settings), port),
        httpx.AsyncClient(base_url=origin, timeout=20) as client,
    ):
        async with service.state.messaging.transactions() as tx:
            await keyring.store(
                tx,
                kid="test-key",
                jwk=dict(KEY.as_dict(private=False)),
                not_before=now() - timedelta(days=1),
                not_after=now() + timedelta(days=1),
            )
        made = Site(client, uuid4(), origin)
        await made.call("POST", "/employer-profile", {"companyName": "Acme & Sons", "phone": None})

        async def indexed() -> bool:
            answer = await client.get("/api/vacancies/vacancies?sort=date")
            return answer.status_code == 200

        await eventually(indexed)
        yield made


async def test_a_vacancy_has_a_page_and_markup(site: Site) -> None:
    id = await site.publish(
        "Разработчик",
        area="Омск",
        address="Ленина, 1",
        workFormat="hybrid",
        employmentType="FULL_TIME",
        salary={"min": 100, "max": None, "currency": "RUB", "unit": "MONTH", "gross": True},
        validThrough="2099-01-31",
        requirements=[{"skill": "Python", "kind": "must"}],
    )
    page = await site.page(f"/vacancies/{id}", accept_language="ru")
    assert "<p>Work &amp; <b>play</b></p>" in page.text
    assert "Acme &amp; Sons" in page.text
    assert "Полная занятость" in page.text
    assert page.headers["content-language"] == "ru"
    assert "script-src 'self';" in page.headers["content-security-policy"]
    posting = await site.markup(id)
    assert posting["title"] == "Разработчик"
    assert posting["hiringOrganization"]["name"] == "Acme & Sons"
    assert posting["jobLocation"]["address"] == {
        "@type": "PostalAddress",
        "addressLocality": "Омск",
        "streetAddress": "Ленина, 1",
        "addressCountry": "RU",
    }
    assert posting["baseSalary"]["value"] == {
        "@type": "QuantitativeValue",
        "minValue": 100,
        "unitText": "MONTH",
    }
    assert posting["validThrough"] == "2099-01-31T23:59:59Z"
    assert "jobLocationType" not in posting  # hybrid is not remote
    assert posting["url"] == f"{site.origin}/vacancies/{id}"


async def test_fully_remote_is_marked_so(site: Site) -> None:
    id = await site.publish("Remote", workFormat="remote", area="Россия")
    posting = await site.markup(id)
    assert posting["jobLocationType"] == "TELECOMMUTE"
    assert posting["applicantLocationRequirements"]["name"] == "Россия"
    assert "jobLocation" not in posting


async def test_a_vacancy_without_a_place_has_no_markup(site: Site) -> None:
    for fields in ({}, {"workFormat": "hybrid"}, {"address": "Ленина, 1"}):
        id = await site.publish("Nowhere", **fields)
        assert "ld+json" not in (await site.page(f"/vacancies/{id}")).text
    id = await site.publish("Remote", workFormat="remote")
    place = (await site.markup(id))["applicantLocationRequirements"]
    assert place == {"@type": "Country", "name": "RU"}


COOK = Vacancy(
    id="1",
    companyId="2",
    companyName="Acme",
    status="published",
    title="Cook",
    workFormat="remote",
    validThrough="2026-03-08",
    publishedAt="2026-01-01T22:30:00Z",
)


@pytest.mark.parametrize(
    ("area", "work_format", "country", "lacking"),
    [
        *(
            ("Омск", "on_site", "RU", []),
            (None, None, "RU", ["area"]),
            ("Омск", None, None, ["country"]),
        ),
        *((None, "hybrid", None, ["area", "country"]), (None, "remote", "RU", [])),
        *(("Удалённо", None, "RU", []), ("Remote", None, None, ["area"])),
        *(("Омск", "remote", None, []), (None, "remote", None, ["area"])),
    ],
)
def test_places_have_the_form_that_search_engines_require(
    area: str | None, work_format: str | None, country: str | None, lacking: list[str]
) -> None:
    vacancy = COOK.model_copy(update={"area": area, "workFormat": work_format})
    assert jsonld.missing(vacancy, country) == lacking


def test_a_vacancy_is_open_to_the_end_of_the_boards_day(monkeypatch: pytest.MonkeyPatch) -> None:
    posting = jsonld.job_posting(COOK, "http://x")
    assert posting["validThrough"] == "2026-03-08T23:59:59Z"
    monkeypatch.setattr(clock, "_zone", UTC)
    create_web(load_settings({}, time_zone="Europe/Moscow"))
    posting = jsonld.job_posting(COOK, "http://x")
    assert posting["validThrough"] == "2026-03-08T23:59:59+03:00"
    assert words("en").day(COOK.publishedAt) == "2 January 2026"
    assert words("en").day(COOK.validThrough) == "8 March 2026"


async def test_a_vacancy_that_is_not_open_has_no_markup(site: Site) -> None:
    id = await site.publish("Soon closed")
    draft = (await site.call("POST", "/vacancies", {"title": "Draft"}))["id"]
    await site.page(f"/vacancies/{draft}", 404)
    await site.page(f"/vacancies/{uuid4()}", 404)
    await site.call("POST", f"/vacancies/{id}/close", {"reason": "filled"})
    page = await site.page(f"/vacancies/{id}")
    assert "This job is closed" in page.text
    assert "ld+json" not in page.text
    await site.call("POST", f"/vacancies/{id}/archive")
    assert "no longer available" in (await site.page(f"/vacancies/{id}", 410)).text


async def test_user_input_does_not_break_markup_or_feeds(site: Site) -> None:
    id = await site.publish(HOSTILE, area=HOSTILE, requirements=[{"skill": HOSTILE}])
    posting = await site.markup(id)
    assert posting["title"] == HOSTILE.strip()
    page = (await site.page(f"/vacancies/{id}")).text
    assert "<script>alert" not in page
    for path in ("feeds/vacancies.atom", "feeds/vacancies.rss", "feeds/jobs.xml"):
        await eventually(partial(_holds, site, path, "alert(1)"))
    jobs = ET.fromstring((await site.page("/api/vacancies/feeds/jobs.xml")).content)
    assert jobs.findtext("job/title") == HOSTILE.replace("\x0b", "")
    assert jobs.findtext("job/url") == f"{site.origin}/vacancies/{id}"


async def _holds(site: Site, path: str, text: str) -> bool:
    answer = await site.client.get(f"/api/vacancies/{path}")
    whole = "".join(ET.fromstring(answer.content).itertext()) if answer.is_success else ""
    return text in whole


async def test_the_list_is_paginated_and_links_to_its_feed(site: Site) -> None:
    ids = [await site.publish(f"Analyst {n}", area="Omsk") for n in range(23)]
    await site.publish("Builder")
    await eventually(lambda: _holds(site, "feeds/vacancies.atom", "Builder"))
    first = (await site.page("/vacancies?q=analysts&area=omsk")).text
    assert "23 jobs" in first
    found = re.findall(r'href="/vacancies/([0-9a-f-]{36})"', first)
    [following] = re.findall(r'rel="next" href="([^"]*)"', first)
    second = (await site.page(following.replace("&amp;", "&"))).text
    found += re.findall(r'href="/vacancies/([0-9a-f-]{36})"', second)
    assert sorted(found) == sorted(ids)
    # in the head for feed readers, and as a link for people
    [atom] = set(re.findall(r'href="(/api/vacancies/feeds/vacancies.atom[^"]*)"', first))
    feed = ET.fromstring((await site.page(atom.replace("&amp;", "&"))).content)
    assert len(feed.findall(f"{ATOM}entry")) == 23
    await site.page("/vacancies?workFormat=moon", 422)
    assert "No jobs found" in (await site.page("/vacancies?q=zzzzqqq")).text


async def test_few_results_are_followed_by_similar_ones(site: Site) -> None:
    exact = await site.publish("Кладовщик", area="Omsk")
    similar = await site.publish('Warehouse worker "A & B"', area="Omsk")
    elsewhere = await site.publish("Warehouse worker", area="Paris")
    await eventually(lambda: _holds(site, "feeds/vacancies.atom", "Warehouse worker"))
    await eventually(lambda: _holds(site, "feeds/vacancies.atom?area=paris", "Warehouse worker"))
    address = "/vacancies?q=%D0%BA%D0%BB%D0%B0%D0%B4%D0%BE%D0%B2%D1%89%D0%B8%D0%BA&area=omsk"
    for lang, count, heading in (("en", "1 job", "Similar"), ("ru", "1 вакансия", "Похожие")):
        page = (await site.page(address, accept_language=lang)).text
        assert re.search(rf'id="found-head"[^>]*>{count}<', page)
        own, more = page.split(f'<h2 id="similar">{heading}: ')
        assert (exact in own, similar in own, elsewhere in page) == (True, False, False)
        assert (exact in more, similar in more) == (False, True)
    [exactly] = re.findall(r'href="([^"]*)">Warehouse worker</a>', more)
    page = (await site.page(exactly.replace("&amp;", "&"))).text
    assert "1 job" in page, "in the same city"
    assert (similar in page, exact in page, 'id="similar"' in page) == (True, False, False)


async def test_places_are_called_as_the_reader_calls_them(site: Site) -> None:
    await site.publish("Baker", area="Yerevan")
    await site.publish("Baker too", area="Ереван")
    await eventually(lambda: _holds(site, "feeds/vacancies.atom", "Baker too"))
    for lang, name in (("en", "Yerevan"), ("ru", "Ереван")):
        page = (await site.page(f"/vacancies?q=baker&area={name}", accept_language=lang)).text
        chosen = re.findall(r"checked> <span>([^<]*)</span> <span[^>]*>(\d)", page)
        assert chosen == [(name, "2")]
        assert f"</span>{name}<svg" in page, "a chip that removes it"
        assert re.search(r'name="area" maxlength="200"[^>]* value=""', page)
        options = (await site.page("/places?area=yere", accept_language=lang)).text
        assert options.startswith('<li role="option" id="suggested-1"')
        assert f'data-value="{name}">{name} <span' in options
    elsewhere = (await site.page("/vacancies?area=Qwerty+town&facets=true")).text
    assert 'data-suggest="/places?area=" value="Qwerty town"' in elsewhere
    assert elsewhere.count('value="Qwerty town"') == 1, "not hidden beside its field"


async def test_feeds_are_the_newest_first_and_know_when_nothing_is_new(site: Site) -> None:
    ids = [await site.publish(f"Clerk {n}") for n in range(3)]
    await eventually(lambda: _holds(site, "feeds/vacancies.rss", "Clerk 2"))
    answer = await site.page("/api/vacancies/feeds/vacancies.rss?q=clerk")
    items = ET.fromstring(answer.content).findall("channel/item")
    assert [item.findtext("guid") for item in items] == [f"urn:uuid:{id}" for id in ids[::-1]]
    assert items[0].findtext("link") == f"{site.origin}/vacancies/{ids[2]}"
    tag = answer.headers["etag"]
    same = "/api/vacancies/feeds/vacancies.rss?q=clerk"
    await site.page(same, 304, if_none_match=tag)
    await site.publish("Clerk 3")
    await eventually(lambda: _holds(site, "feeds/vacancies.rss?q=clerk", "Clerk 3"))
    await site.page(same, 200, if_none_match=tag)
    await site.page("/api/vacancies/feeds/vacancies.rss?workFormat=moon", 422)


async def test_robots_find_every_open_vacancy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirewire.vacancies.feeds.routes.LARGEST_SITEMAP", 3)
    monkeypatch.setattr("hirewire.vacancies.feeds.routes.CHUNK", 2)
    for path in ("/sitemaps/0.xml", "/sitemap.xml"):
        empty = ET.fromstring((await site.page(path)).content)
        [place] = [str(one.text) for one in empty.iter(f"{SITEMAP}loc")]
        assert (
            place == f"{site.origin}{'/' if path.startswith('/sitemaps/') else '/sitemaps/0.xml'}"
        )
    ids = [await site.publish(f"Cook {n}") for n in range(7)]
    robots = (await site.page("/robots.txt")).text
    assert f"Sitemap: {site.origin}/sitemap.xml" in robots
    index = ET.fromstring((await site.page("/sitemap.xml")).content)
    places = [str(one.text) for one in index.iter(f"{SITEMAP}loc")]
    assert len(places) == 3
    found = []
    for place in places:
        page = ET.fromstring((await site.page(place.removeprefix(site.origin))).content)
        found += [str(one.text).rpartition("/")[2] for one in page.iter(f"{SITEMAP}loc")]
    assert found == ids
    await site.page("/sitemaps/9.xml", 404)
    jobs = ET.fromstring((await site.page("/api/vacancies/feeds/jobs.xml")).content)
    assert [job.findtext("referencenumber") for job in jobs.iter("job")] == ids
    assert {job.findtext("country") for job in jobs.iter("job")} == {"RU"}
    dates = [jobs.findtext("lastBuildDate"), *(job.findtext("date") for job in jobs.iter("job"))]
    dates += [job.findtext("lastactivitydate") for job in jobs.iter("job")]
    for moment in dates:
        assert now() - parsedate_to_datetime(str(moment)) < timedelta(minutes=5)


async def test_pages_report_an_unavailable_service() -> None:
    port = free_port()
    settings = load_settings({}, web_port=port, vacancies_port=free_port())
    async with (
        serving(create_web(settings), port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        for path in ("/vacancies", f"/vacancies/{uuid4()}"):
            answer = await client.get(path, headers={"Accept-Language": "ru"})
            assert answer.status_code == 503
            assert "Временно недоступно" in answer.text
            assert answer.headers["retry-after"] == "5"
