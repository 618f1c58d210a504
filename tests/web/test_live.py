"""Live updates of open pages, over both brokers and real sockets."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from hirewire.assembly import load_settings
from hirewire.contracts.auth import UserBlocked, UserErased, UserRoleChanged
from hirewire.contracts.profiles import ResumeUpdated
from hirewire.contracts.vacancies import EmployerProfileCreated, RecommendationCreated
from hirewire.launcher.process import free_port
from hirewire.launcher.serving import _Server
from hirewire.messaging.broker import Broker, Delivery, Message, open_broker
from hirewire.messaging.event import Event
from hirewire.messaging.testing import delivery
from hirewire.web.app import create_web
from hirewire.web.live import hub as live
from hirewire.web.live.consumer import Live
from hirewire.web.pages.assets import JOINED, STATIC
from tests.builders import eventually
from tests.web.conftest import serving
from tests.web.streaming import Behind, Page, token

COMPANY = UUID(int=77)


def test_pages_subscribe_to_exactly_the_events_that_are_sent() -> None:
    script = JOINED["hirewire.js"]().decode()
    [kinds] = re.findall(r"const kinds = \[(.*?)\];", script, re.DOTALL)
    received = set(re.findall(r'"([^"]+)"', kinds))
    assert received == {*live.CONCERNS, live.ACTIVITY}
    texts = [path.read_text("utf-8") for path in (STATIC.parent / "templates").rglob("*.html")]
    expected = {
        one for text in texts for on in re.findall(r'live-on="([^"]+)"', text) for one in on.split()
    }
    assert expected - received == set()


@dataclass
class World:
    """A web front end that consumes from a broker."""

    broker: Broker
    behind: Behind
    client: httpx.AsyncClient
    feed: Live
    server: Any

    async def say(self, event: Event) -> str:
        """Publish the event as its owner would."""
        id = str(uuid4())
        body = event.model_dump_json(by_alias=True).encode()
        message = Message(id, event.name, event.key, body, {}, mandatory=False)  # no queue gets it
        await self.broker.publish([message])
        return id

    @asynccontextmanager
    async def page(self, user: UUID, last: str | None = None, **how: Any) -> AsyncIterator[Page]:
        page = Page(last)
        page.task = asyncio.create_task(page.read(self.client, token(user, **how)))
        await asyncio.wait_for(page.opened.wait(), 20)
        try:
            yield page
        finally:
            page.task.cancel()
            with suppress(asyncio.CancelledError, httpx.HTTPError):
                await page.task


@pytest.fixture
async def world(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(live, "AFTER", 600.0)
    port, behind_port = free_port(), free_port()
    settings = load_settings(
        {},
        web_port=port,
        auth_port=behind_port,
        profiles_port=behind_port,
        vacancies_port=behind_port,
        broker_url=broker_url,
    )
    behind, app, broker = Behind(), create_web(settings), open_broker(broker_url, client="test")
    await broker.declare([])
    received = asyncio.Event()
    catch_up = app.state.live.hub.catch_up

    def caught_up() -> None:
        catch_up()
        received.set()

    monkeypatch.setattr(app.state.live.hub, "catch_up", caught_up)
    async with (
        serving(behind, behind_port),
        serving(app, port, _Server) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        await asyncio.wait_for(received.wait(), 20)
        yield World(broker, behind, client, app.state.live, server)
    await broker.close()


def matched(user: UUID, company: UUID) -> RecommendationCreated:
    return RecommendationCreated(
        recommendation_id=uuid4(),
        vacancy_id=uuid4(),
        company_id=company,
        resume_id=uuid4(),
        user_id=user,
        score=0.7,
        resume_version=1,
        vacancy_version=1,
        ruleset="1",
    )


async def test_each_person_gets_only_the_events_that_concern_them(world: World) -> None:
    candidate, employer, stranger, rival = (uuid4() for _ in range(4))
    world.behind.companies = {str(employer): COMPANY, str(rival): uuid4()}
    async with (
        world.page(candidate) as theirs,
        world.page(employer) as hiring,
        world.page(stranger) as other,
        world.page(rival) as competing,
    ):
        match = matched(candidate, COMPANY)
        id = await world.say(match)
        for page in (theirs, hiring):
            _, data, received_id = await page.received("recommendation.created")
            assert data == {
                "resumeId": str(match.resume_id),
                "vacancyId": str(match.vacancy_id),
                "recommendationId": str(match.recommendation_id),
            }
            assert (received_id or "").startswith(id)
        changed = ResumeUpdated(user_id=candidate, resume_id=uuid4(), action="created")
        await world.say(changed)
        await theirs.received("resume.updated")
        assert (await hiring.received("activity"))[1] == {}
        await competing.received("activity")
        await world.say(UserRoleChanged(user_id=stranger, role="employer"))
        await other.received("user.role_changed")
        assert other.names() == ["user.role_changed"]
        assert competing.names() == ["activity"]
        assert hiring.names() == ["recommendation.created", "activity"]
        assert theirs.names() == ["recommendation.created", "resume.updated"]


async def test_a_new_employer_is_notified_on_the_open_page(world: World) -> None:
    person = uuid4()
    async with world.page(person) as page:
        await world.say(EmployerProfileCreated(user_id=person, company_id=COMPANY, phone=None))
        await page.received("employer.profile.created")
        await world.say(matched(uuid4(), COMPANY))
        await page.received("recommendation.created")


async def test_missed_events_come_first(world: World) -> None:
    person = uuid4()
    async with world.page(person) as page:
        await world.say(matched(person, COMPANY))
        first = (await page.received("recommendation.created"))[2]
    async with world.page(person, last="unknown") as page:
        await page.received("catch-up")
        await world.say(matched(uuid4(), COMPANY))
        await world.say(matched(person, COMPANY))
        second = (await page.received("recommendation.created"))[2]
    async with world.page(person, last=first) as again:
        assert (await again.received("recommendation.created"))[2] == second
        assert len(again.events) == 1


def test_a_page_that_comes_from_another_process_must_catch_up() -> None:
    """There the events may have come in another order: what follows the last one is not all."""
    person = uuid4()
    first, second = (delivery(matched(person, COMPANY)) for _ in range(2))
    hub, other = live.Hub(), live.Hub()
    stream = hub.open(str(person), None)
    hub.consume([second])
    [text] = stream.queue
    last = re.findall(r"id: (.*)", text.decode())[0]
    other.consume([first, second])
    assert other.missed(other.open(str(person), None), last) == [live.CATCH_UP]
    hub.consume([first])
    assert len(hub.missed(stream, last)) == 1


async def test_a_slow_page_must_catch_up_and_uses_bounded_memory(world: World) -> None:
    hub = live.Hub()
    stream = hub.open("u", None)
    for _ in range(live.LONGEST_QUEUE + 50):
        stream.send(b"x")
    assert list(stream.queue) == [live.CATCH_UP]
    with pytest.raises(live.TooManyStreams):
        for _ in range(live.MOST_STREAMS):
            hub.open("u", None)
    hub.close(stream)
    hub.open("u", None)


async def test_loss_and_return_of_the_broker_are_reported(world: World) -> None:
    person = uuid4()
    async with world.page(person) as page:
        assert world.feed._broker is not None
        await world.feed._broker.close()
        await page.received("interrupted")

        async def received_again() -> bool:
            names = [name for name, _, _ in page.events]
            return "catch-up" in names[names.index("interrupted") :]

        await eventually(received_again)
        await world.say(matched(person, COMPANY))
        await page.received("recommendation.created")


async def test_the_end_of_a_token_ends_the_stream(world: World) -> None:
    async with world.page(uuid4(), seconds=0.5) as page:
        await page.received("expired")
        assert page.task is not None
        await asyncio.wait_for(page.task, 10)

    async def closed() -> bool:
        return len(world.feed.hub) == 0

    await eventually(closed)


async def test_a_block_or_an_erasure_ends_the_streams_of_the_person(world: World) -> None:
    anna, ben, carl = uuid4(), uuid4(), uuid4()
    moment = datetime.now(UTC)
    async with (
        world.page(anna) as first,
        world.page(anna) as second,
        world.page(carl) as third,
        world.page(ben) as other,
    ):
        await world.say(UserBlocked(user_id=anna, blocked=False, at=moment))
        await world.say(UserBlocked(user_id=anna, blocked=True, at=moment))
        await world.say(UserErased(user_id=carl, erasure_id=uuid4(), erased_at=moment))
        for page in (first, second, third):
            await page.received("user.blocked")
            assert page.task is not None
            await asyncio.wait_for(page.task, 10)
            assert len(page.names()) == 1
        await world.say(UserRoleChanged(user_id=ben, role="employer"))
        await other.received("user.role_changed")
        assert other.names() == ["user.role_changed"]


async def test_a_block_that_was_missed_ends_the_stream_when_the_broker_is_back(
    world: World,
) -> None:
    async with world.page(uuid4()) as page:
        world.behind.refuses = True
        assert world.feed._broker is not None
        await world.feed._broker.close()
        await page.received("user.blocked")
        assert page.task is not None
        await asyncio.wait_for(page.task, 10)


async def test_a_block_while_a_stream_opens_ends_it(world: World) -> None:
    hub, anna = live.Hub(), str(uuid4())
    asked = time.monotonic()
    body = json.dumps({"userId": anna, "blocked": True}).encode()
    hub.consume([Delivery(body=body, routing_key="user.blocked", message_id=str(uuid4()))])
    assert hub.was_refused(anna, since=asked)
    assert not hub.was_refused(anna, since=time.monotonic() + 1)
    assert not hub.was_refused(str(uuid4()), since=asked)


async def test_streams_end_with_the_process(world: World) -> None:
    async with world.page(uuid4()) as page:
        began = time.monotonic()
        world.server.should_exit = True
        assert page.task is not None
        await asyncio.wait_for(page.task, 10)
        assert page.has_ended  # by its own end, before the server would have closed it
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
async def test_anonymous_visitors_get_no_events(world: World, headers: dict[str, str]) -> None:
    assert (await world.client.get("/live", headers=headers)).status_code == 401


async def test_a_gateway_without_a_broker_reports_it() -> None:
    port = free_port()
    async with (
        serving(create_web(load_settings({}, web_port=port)), port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get("/live", headers={"Authorization": token(uuid4())})
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("live-is-off")


async def test_many_changes_are_sent_at_once_then_throttled_then_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    pulse = live.Pulse(lambda: times.append(loop.time()))
    monkeypatch.setattr(live, "AFTER", 0.2)
    began = loop.time()
    while loop.time() < began + 3 * live.APART:
        pulse.changed()
        await asyncio.sleep(0.01)
    ended = loop.time()

    async def is_quiet() -> bool:
        return pulse.is_quiet

    await eventually(is_quiet)
    assert times[0] >= began + live.SOON - 0.01
    during = [one for one in times if one <= ended]
    assert len(during) >= 2
    assert all(b - a >= live.APART - 0.01 for a, b in pairwise(during))
    assert times[-1] > ended
