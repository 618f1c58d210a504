"""A client for the services' internal API."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from pydantic import JsonValue, TypeAdapter

from hirewire.kit.internal.models import PREFIX, BarrierOut, Flow, Overview, RequestIn, RequestOut
from hirewire.messaging.reconciliation.audit import (
    Consumption,
    Entered,
    Expected,
    Found,
    TracedEvent,
)

PAGE = 5000
POLL_SECONDS = 0.05
_ENTERED = TypeAdapter(list[Entered])
_TRACED = TypeAdapter(list[TracedEvent])
_CONSUMED = TypeAdapter(list[Consumption])


class ServiceAway(Exception):
    """A service did not respond; the message names it."""


class Refused(Exception):
    """A service refused a request; the message gives the reason."""


def parts_of(subscriber: str) -> tuple[str, int | None]:
    """The service of a subscriber, and the projection generation if it is one."""
    service, _, generation = subscriber.partition("@")
    number = generation.rpartition("-")[2]
    return service, int(number) if number.isdigit() else None


def _generation_query(generation: int | None) -> dict[str, int]:
    return {"generation": generation} if generation is not None else {}


class Operators:
    """An HTTP client for each service: ``async with Operators(urls, token) as operators``.

    Every method raises `ServiceAway` or `Refused`.
    """

    def __init__(self, urls: Mapping[str, str], token: str) -> None:
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stack = AsyncExitStack()
        self._clients: dict[str, httpx.AsyncClient] = {}

    @property
    def services(self) -> tuple[str, ...]:
        """The names of all services, in order."""
        return tuple(self._urls)

    def knows(self, subscriber: str) -> bool:
        """Whether the subscriber is a service or a projection of one."""
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

    async def call(self, service: str, method: str, path: str, **options: Any) -> Any:
        """Call a service; returns the JSON of its response."""
        try:
            answer = await self._clients[service].request(method, path, **options)
        except httpx.HTTPError as error:
            raise ServiceAway(f"{service} does not respond ({type(error).__name__})") from None
        if answer.status_code >= 400:
            raise Refused(f"{service}: {_reason(answer)}")
        return answer.json()

    async def overview(self, service: str) -> Overview:
        """The consumed types and message counts of a service."""
        return Overview.model_validate(await self.call(service, "GET", "/overview"))

    async def request_barrier(self, owner: str) -> UUID:
        """Record a barrier after all committed events; returns its id."""
        return UUID((await self.call(owner, "POST", "/fences"))["id"])

    async def barrier(self, owner: str, id: UUID) -> BarrierOut:
        """The state of a barrier."""
        return BarrierOut.model_validate(await self.call(owner, "GET", f"/fences/{id}"))

    async def barrier_has_passed(self, subscriber: str, id: UUID) -> bool:
        """Whether a barrier has passed all queues of a subscriber."""
        service, generation = parts_of(subscriber)
        path = f"/fences/{id}/heard"
        answer = await self.call(service, "GET", path, params=_generation_query(generation))
        return set(answer["of"]) <= set(answer["queues"])

    async def log(self, owner: str, barrier: UUID, since: UUID) -> AsyncIterator[list[Expected]]:
        """All events before a barrier, page by page."""
        after = UUID(int=0)
        while True:
            answer = await self.call(
                owner,
                "GET",
                f"/fences/{barrier}/log",
                params={"since": str(since), "after": str(after), "limit": PAGE},
            )
            page = [
                Expected(UUID(id), type, to, unsent) for id, type, to, unsent in answer["items"]
            ]
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def flow(self, service: str) -> Flow:
        """The numbers of events that a service has sent, entered and queued."""
        return Flow.model_validate(await self.call(parts_of(service)[0], "GET", "/flow"))

    async def entered(
        self, subscriber: str, owner: str, since: UUID
    ) -> AsyncIterator[list[Entered]]:
        """An owner's events that a subscriber has consumed, page by page."""
        after = UUID(int=0)
        while True:
            answer = await self.call(
                subscriber,
                "GET",
                "/entered",
                params={"owner": owner, "since": str(since), "after": str(after), "limit": PAGE},
            )
            page = _ENTERED.validate_python(answer["items"])
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def unknown(self, owner: str, ids: Sequence[UUID]) -> list[UUID]:
        """Which of these events are missing from an owner's log."""
        answer = await self.call(owner, "POST", "/unknown", json={"ids": [str(id) for id in ids]})
        return [UUID(id) for id in answer["ids"]]

    async def accept(
        self, subscriber: str, owner: str, ids: Sequence[UUID], *, why: str, by: str
    ) -> int:
        """Accept events that no log contains; returns the number of inbox entries."""
        body = {"ids": [str(id) for id in ids], "owner": owner, "why": why, "by": by}
        return int((await self.call(subscriber, "POST", "/accept", json=body))["accepted"])

    async def states(self, subscriber: str, events: Mapping[UUID, str]) -> list[Found]:
        """The states of events at a subscriber."""
        body = {"events": {str(id): type for id, type in events.items()}}
        service, generation = parts_of(subscriber)
        answer = await self.call(
            service, "POST", "/states", json=body, params=_generation_query(generation)
        )
        return [Found(UUID(id), *rest) for id, *rest in answer["items"]]

    async def request(self, owner: str, body: RequestIn) -> RequestOut:
        """Create a replay or repair request; the same request given twice runs once."""
        answer = await self.call(owner, "POST", "/jobs", json=_json(body))
        return RequestOut.model_validate(answer)

    async def count(self, owner: str, body: RequestIn) -> int:
        """The number of events that such a request would publish."""
        answer = await self.call(owner, "POST", "/jobs/count", json=_json(body))
        return int(answer["events"])

    async def request_of(self, owner: str, id: UUID) -> RequestOut:
        """The progress of a request."""
        return RequestOut.model_validate(await self.call(owner, "GET", f"/jobs/{id}"))

    async def requests(self, owner: str) -> list[RequestOut]:
        """The latest requests."""
        answer = await self.call(owner, "GET", "/jobs")
        return [RequestOut.model_validate(item) for item in answer["items"]]

    async def wait_for_request(self, owner: str, id: UUID, seconds: float) -> RequestOut:
        """Wait until a request has ended, at most `seconds`; returns its last state."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            answer = await self.request_of(owner, id)
            if answer.state != "open" or loop.time() > until:
                return answer
            await asyncio.sleep(POLL_SECONDS)

    async def about(self, service: str, what: str, since: UUID) -> list[str]:
        """The correlation ids of causal traces that contain an id."""
        answer = await self.call(
            service, "GET", "/about", params={"what": what, "since": str(since)}
        )
        return list(answer["items"])

    async def trace(
        self, service: str, correlations: Sequence[str], since: UUID
    ) -> list[TracedEvent]:
        """A service's events in these causal traces."""
        events: list[TracedEvent] = []
        for start in range(0, len(correlations), 50):
            some = list(correlations[start : start + 50])
            answer = await self.call(
                service, "GET", "/story", params={"correlation": some, "since": str(since)}
            )
            events += _TRACED.validate_python(answer["items"])
        return events

    async def consumptions(self, service: str, events: Sequence[UUID]) -> list[Consumption]:
        """The handlers of a service that have consumed these events."""
        answer = await self.call(
            service, "POST", "/heard", json={"ids": [str(id) for id in events]}
        )
        return _CONSUMED.validate_python(answer["items"])


def _json(body: RequestIn) -> JsonValue:
    content: JsonValue = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return content


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        details = [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", [])]
        return "; ".join(details) or str(problem.get("detail") or problem.get("title"))
    except (ValueError, KeyError, AttributeError):
        return f"responded with status {answer.status_code}"
