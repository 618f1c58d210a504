"""The live stream of an open page, `GET /live`."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from hirewire.kit.errors import Unauthenticated, Unavailable
from hirewire.web.api.services import Services
from hirewire.web.live.consumer import Live
from hirewire.web.live.hub import Hub, Stream
from hirewire.web.sessions import ACCESS, cookie, ends, same_origin

router = APIRouter(include_in_schema=False)
HEARTBEAT_SECONDS = 15.0


class LiveIsOff(Unavailable):
    """Live updates are off: no broker is configured."""

    slug = "live-is-off"
    code = "live_is_off"


@router.get("/live")
async def live(
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    after: Annotated[str | None, Query(max_length=100)] = None,
) -> StreamingResponse:
    """The caller's events as they happen (`text/event-stream`).

    `Last-Event-ID` or `after` is the last event that the client has seen. The stream ends with
    `expired` when the token expires.
    """
    feed: Live = request.app.state.live
    services: Services = request.app.state.services
    if not feed.is_on:
        raise LiveIsOff(retry_after=60)
    access = cookie(request, ACCESS)
    if authorization is None and access is not None and same_origin(request):
        authorization = f"Bearer {access}"
    if authorization is None:
        raise Unauthenticated
    asked = time.monotonic()
    user_id = await services.who(authorization)
    company_id = await services.company_of(authorization)
    stream = feed.hub.open(user_id, company_id)
    if feed.hub.was_refused(user_id, since=asked):
        feed.hub.refuse(stream)
    seconds = ends(authorization) - time.time()

    async def is_refused() -> bool:
        try:
            await services.who(authorization)
        except Unauthenticated:
            return True
        return False

    return StreamingResponse(
        _lines(feed.hub, stream, last_event_id or after, seconds, is_refused),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(
    hub: Hub,
    stream: Stream,
    last: str | None,
    seconds: float,
    is_refused: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    until = time.monotonic() + seconds
    try:
        yield b"retry: 2000\n\n"
        for text in hub.missed(stream, last):
            yield text
        while True:
            if stream.is_doubtful:
                stream.is_doubtful = False
                try:
                    if await is_refused():
                        hub.refuse(stream)
                except Unavailable:
                    stream.is_doubtful = True  # asked again soon
            while stream.queue:
                texts = b"".join(stream.queue)
                stream.queue.clear()
                stream.is_behind = False
                yield texts
            if stream.has_ended:
                return
            left = until - time.monotonic()
            if left <= 0:
                yield b"event: expired\ndata: {}\n\n"
                return
            stream.waiting.clear()
            try:
                async with asyncio.timeout(min(HEARTBEAT_SECONDS, left)):
                    await stream.waiting.wait()
            except TimeoutError:
                yield b": \n\n"
    finally:
        hub.close(stream)
