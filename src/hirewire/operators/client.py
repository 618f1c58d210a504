"""The services' internal API, from the outside."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from hirewire.kit.internal import PREFIX
from hirewire.messaging.reconciliation.audit import (
    Consumption,
    Entered,
    Expected,
    Found,
    TracedEvent,
)

PAGE = 5000
POLL_SECONDS = 0.05


class ServiceAway(Exception):
    """A service does not answer; the message names it."""


class Refused(Exception):
    """A service has refused what was asked; the message says why."""


def parts_of(subscriber: str) -> tuple[str, int | None]:
    """The service of a subscriber, and which generation of a projection of its it is, if any."""
    service, _, generation = subscriber.partition("@")
    number = generation.rpartition("-")[2]
    return service, int(number) if number.isdigit() else None


def _asking(generation: int | None) -> dict[str, int]:
    return {"generation": generation} if generation is not None else {}


class Operators:
    """One HTTP client a service: ``async with Operators(urls, token) as operators``.

    Every method raises `ServiceAway` or `Refused`.
    """

    def __init__(self, urls: Mapping[str, str], token: str) -> None:
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stack = AsyncExitStack()
        self._clients: dict[str, httpx.AsyncClient] = {}

    @property
    def services(self) -> tuple[str, ...]:
        """All services, in their order."""
        return tuple(self._urls)

    def knows(self, subscriber: str) -> bool:
        """Whether it is one of the services, or a part of one."""
        return parts_of(subscriber)[0] in self._urls

    async def __aenter__(self) -> Self:
        for name, url in self._urls.items():
            client = httpx.AsyncClient(base_url=url + PREFIX, headers=self._headers, timeout=60)
            self._clients[name] = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def ask(self, service: str, method: str, path: str, **options: Any) -> Any:
        """One call; the answer's JSON."""
        try:
            answer = await self._clients[service].request(method, path, **options)
        except httpx.HTTPError as error:
            raise ServiceAway(f"{service} does not answer ({type(error).__name__})") from None
        if answer.status_code >= 400:
            raise Refused(f"{service}: {_reason(answer)}")
        return answer.json()

    async def overview(self, service: str) -> dict[str, Any]:
        """Counts of what is open."""
        found: dict[str, Any] = await self.ask(service, "GET", "/overview")
        return found

    async def request_barrier(self, owner: str) -> UUID:
        """A barrier behind all that is committed by the time it is sent."""
        return UUID((await self.ask(owner, "POST", "/fences"))["id"])

    async def barrier(self, owner: str, id: UUID) -> dict[str, Any]:
        """What became of a barrier."""
        found: dict[str, Any] = await self.ask(owner, "GET", f"/fences/{id}")
        return found

    async def barrier_has_passed(self, subscriber: str, id: UUID) -> bool:
        """Whether it has come through all of a subscriber's queues."""
        service, generation = parts_of(subscriber)
        path = f"/fences/{id}/heard"
        found = await self.ask(service, "GET", path, params=_asking(generation))
        return set(found["of"]) <= set(found["queues"])

    async def log(self, owner: str, barrier: UUID, since: UUID) -> AsyncIterator[list[Expected]]:
        """All events behind a barrier, page by page."""
        after = UUID(int=0)
        while True:
            found = await self.ask(
                owner,
                "GET",
                f"/fences/{barrier}/log",
                params={"since": str(since), "after": str(after), "limit": PAGE},
            )
            page = [Expected(UUID(id), type, to, unsent) for id, type, to, unsent in found["items"]]
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def flow(self, service: str) -> dict[str, Any]:
        """Counts that change while the service sends and enters events."""
        found: dict[str, Any] = await self.ask(parts_of(service)[0], "GET", "/flow")
        return found

    async def entered(
        self, subscriber: str, owner: str, since: UUID
    ) -> AsyncIterator[list[Entered]]:
        """What a subscriber has consumed of an owner, page by page."""
        after = UUID(int=0)
        while True:
            found = await self.ask(
                subscriber,
                "GET",
                "/entered",
                params={"owner": owner, "since": str(since), "after": str(after), "limit": PAGE},
            )
            page = [Entered(**_snake(item)) for item in found["items"]]
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def unknown(self, owner: str, ids: Sequence[UUID]) -> list[UUID]:
        """Those of these events that an owner's log does not have."""
        found = await self.ask(owner, "POST", "/unknown", json={"ids": [str(id) for id in ids]})
        return [UUID(id) for id in found["ids"]]

    async def accept(
        self, subscriber: str, owner: str, ids: Sequence[UUID], *, why: str, by: str
    ) -> int:
        """Have events that no log knows listed no more; how many entries that are."""
        body = {"ids": [str(id) for id in ids], "owner": owner, "why": why, "by": by}
        return int((await self.ask(subscriber, "POST", "/accept", json=body))["accepted"])

    async def states(self, subscriber: str, events: Mapping[UUID, str]) -> list[Found]:
        """What a subscriber knows of events."""
        body = {"events": {str(id): type for id, type in events.items()}}
        service, generation = parts_of(subscriber)
        found = await self.ask(service, "POST", "/states", json=body, params=_asking(generation))
        return [Found(UUID(id), *rest) for id, *rest in found["items"]]

    async def request(self, owner: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """File a request; the same one again is not done twice."""
        found: dict[str, Any] = await self.ask(owner, "POST", "/jobs", json=dict(asked))
        return found

    async def request_of(self, owner: str, id: str) -> dict[str, Any]:
        """How far a request is."""
        found: dict[str, Any] = await self.ask(owner, "GET", f"/jobs/{id}")
        return found

    async def wait_for_request(self, owner: str, id: str, seconds: float) -> dict[str, Any]:
        """The request once it has ended; as it is when that takes longer than `seconds`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            found = await self.request_of(owner, id)
            if found["state"] != "open" or loop.time() > until:
                return found
            await asyncio.sleep(POLL_SECONDS)

    async def about(self, service: str, what: str, since: UUID) -> list[str]:
        """Correlation ids of causal traces in which an id occurs."""
        found = await self.ask(service, "GET", "/about", params={"what": what, "since": str(since)})
        return list(found["items"])

    async def trace(
        self, service: str, correlations: Sequence[str], since: UUID
    ) -> list[TracedEvent]:
        """A service's events of these causal traces."""
        events: list[TracedEvent] = []
        for start in range(0, len(correlations), 50):
            some = list(correlations[start : start + 50])
            found = await self.ask(
                service, "GET", "/story", params={"correlation": some, "since": str(since)}
            )
            events += [TracedEvent(**_snake(item)) for item in found["items"]]
        return events

    async def consumptions(self, service: str, events: Sequence[UUID]) -> list[Consumption]:
        """Who in a service has consumed these events."""
        found = await self.ask(service, "POST", "/heard", json={"ids": [str(id) for id in events]})
        return [Consumption(**_snake(item)) for item in found["items"]]


def _snake(item: Mapping[str, Any]) -> dict[str, Any]:
    from datetime import datetime

    values: dict[str, Any] = dict(item)
    for name, value in item.items():
        if value is not None and name.endswith("_at"):
            values[name] = datetime.fromisoformat(value)
        elif value is not None and name in ("id", "event_id"):
            values[name] = UUID(value)
    return values


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        details = [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", [])]
        return "; ".join(details) or str(problem.get("detail") or problem.get("title"))
    except (ValueError, KeyError, AttributeError):
        return f"answered {answer.status_code}"
