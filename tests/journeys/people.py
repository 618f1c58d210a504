"""Actions of users, through the public API."""

import asyncio
from uuid import uuid4

import httpx

from hirewire.messaging.database import connect
from hirewire.tools.demo import Demo

PASSWORD = "correct horse battery"


async def register(client: httpx.AsyncClient, email: str | None = None) -> tuple[str, int]:
    """Register; returns the id of the new user (or None) and the status."""
    body = {"email": email or f"{uuid4().hex}@example.org", "password": PASSWORD}
    answer = await client.post("/api/auth/register", json=body)
    return str(answer.json().get("id", "")), answer.status_code


async def register_many(
    client: httpx.AsyncClient, count: int, made: list[tuple[str, int]], *, at_once: int
) -> None:
    """Register so many, some at once; each id and status is added to `made`."""
    places = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with places:
            made.append(await register(client))

    await asyncio.gather(*(one() for _ in range(count)))


async def profiles_of(database_url: str) -> list[str]:
    """The user ids of all profiles, with duplicates if there are any."""
    connection = await connect(database_url, application="tests")
    rows = await connection.fetch("select user_id::text from profile order by 1")
    await connection.close()
    return [row[0] for row in rows]


async def open_messages(*database_urls: str) -> dict[str, int]:
    """The number of retrying, waiting and dead messages in all these databases."""
    found: dict[str, int] = {}
    for url in database_urls:
        connection = await connect(url, application="tests")
        for row in await connection.fetch(
            "select state, count(*) from messaging.open_message "
            "where state <> 'discarded' group by 1"
        ):
            found[row[0]] = found.get(row[0], 0) + row[1]
        await connection.close()
    return found


async def signed_in(client: httpx.AsyncClient, who: str) -> Demo:
    """A user who has registered, logged in and has a profile."""
    demo = Demo(client)
    await demo.sign_in(who)
    return demo
