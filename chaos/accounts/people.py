"""What one person does: registers, resets the password twice over, and deletes the account."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx
from pydantic import JsonValue

from chaos.accounts.platform import Mail, Platform

PATIENCE = 600.0
"""Seconds in which a step must succeed, however often services die."""
PASSING = (401, 404, 409, 429)
"""States that pass, such as a profile that is not there yet."""
RESET = re.compile(r"/password/reset\?token=([\w-]+)")
RECEIPT = re.compile(r"/erasures?/([\w-]+)")


class Stuck(Exception):
    """A step has not succeeded in time, or got an answer that must not be."""


@dataclass
class Person:
    """A person, and what was promised to them."""

    email: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    id: str = ""
    receipt: str = ""
    resets_asked: int = 0
    rows: set[str] = field(default_factory=set)
    """The rows of the mails that have arrived."""


class Client:
    """HTTP requests that are repeated until somebody answers them."""

    def __init__(self, platform: Platform, http: httpx.AsyncClient) -> None:
        self.platform, self._http = platform, http
        self.requests = self.repeated = 0

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, JsonValue] | None = None,
        *,
        token: str = "",
        key: str = "",
        good: tuple[int, ...],
    ) -> httpx.Response:
        """The first answer with one of these states. Raises `Stuck`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        last = ""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self.requests += 1
                    try:
                        url = f"{self.platform.url}{path}"
                        answer = await self._http.request(method, url, json=body, headers=headers)
                        if answer.status_code in good:
                            return answer
                        last = f"{answer.status_code} {answer.text[:200]}"
                        if answer.status_code < 500 and answer.status_code not in PASSING:
                            raise Stuck(f"{method} {path}: {last}")
                    except httpx.HTTPError as error:
                        last = repr(error)
                    self.repeated += 1
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise Stuck(f"{method} {path}: {last}") from None

    async def mail(self, wants: Callable[[Mail], bool]) -> Mail:
        """The newest mail of this kind, once there is one. Raises `Stuck`."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if found := [mail for mail in self.platform.mails() if wants(mail)]:
                        return found[-1]
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise Stuck("a mail has not arrived") from None


async def register(client: Client, person: Person) -> None:
    """Register, and receive the mail that asks to confirm the address."""
    answer = await client.ask(
        "POST",
        "/api/auth/register",
        {"email": person.email, "password": person.password},
        key=person.email,
        good=(201,),
    )
    person.id = answer.json()["id"]
    await client.mail(lambda mail: mail.to == person.email)


async def reset(client: Client, person: Person) -> None:
    """Ask for a link, and set another password with it."""
    await client.ask("POST", "/api/auth/password/forgot", {"email": person.email}, good=(202,))
    person.resets_asked += 1
    new = secrets.token_urlsafe(12)
    mail = await client.mail(lambda one: one.to == person.email and bool(RESET.search(one.text)))
    while True:
        [token] = RESET.findall(mail.text)[:1]
        answer = await client.ask(
            "POST",
            "/api/auth/password/reset",
            {"token": token, "password": new},
            good=(204, 410),
        )
        # 410: the answer of an earlier attempt was lost, or a later mail has replaced this link
        if answer.status_code == 204 or await _can_sign_in(client, person.email, new):
            break
        seen = mail.id
        mail = await client.mail(
            lambda one: (
                one.to == person.email and bool(RESET.search(one.text)) and one.id != seen  # noqa: B023
            )
        )
    person.password = new


async def _can_sign_in(client: Client, email: str, password: str) -> bool:
    answer = await client.ask(
        "POST", "/api/auth/login", {"email": email, "password": password}, good=(200, 401, 429)
    )
    return answer.status_code == 200


async def sign_in(client: Client, person: Person) -> str:
    """Sign in; returns the access token."""
    answer = await client.ask(
        "POST",
        "/api/auth/login",
        {"email": person.email, "password": person.password},
        good=(200,),
    )
    return str(answer.json()["accessToken"])


async def leave_traces(client: Client, person: Person) -> None:
    """Fill in a profile and make a resume, so that there is something to erase."""
    token = await sign_in(client, person)

    async def again(call: Callable[[str], Awaitable[httpx.Response]]) -> None:
        nonlocal token
        while (await call(token)).status_code == 401:
            token = await sign_in(client, person)

    await again(
        lambda bearer: client.ask(
            "PATCH",
            "/api/profiles/me",
            {"fullName": f"Chaos {person.email}"},
            token=bearer,
            good=(200, 401),
        )
    )
    await again(
        lambda bearer: client.ask(
            "POST",
            "/api/profiles/resumes",
            {"title": "Welder"},
            token=bearer,
            key=f"resume {person.id}".replace(" ", "-"),
            good=(201, 401),
        )
    )


async def erase(client: Client, person: Person) -> None:
    """Delete the account; the receipt is in the answer, or in the mail if the answer was lost."""
    token = await sign_in(client, person)
    while True:
        answer = await client.ask(
            "DELETE",
            "/api/auth/me",
            {"password": person.password},
            token=token,
            good=(202, 401, 403),
        )
        if answer.status_code == 202:
            person.receipt = answer.json()["receiptId"]
            return
        for mail in client.platform.mails():
            if mail.to == person.email and (found := RECEIPT.search(mail.text)):
                person.receipt = found[1]
                return
        await asyncio.sleep(0.5)
        if await _can_sign_in(client, person.email, person.password):
            token = await sign_in(client, person)


async def receipt_complete(client: Client, person: Person) -> dict[str, int]:
    """Wait until every service has answered; returns how many records each has erased."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                path = f"/api/auth/erasures/{person.receipt}"
                found = (await client.ask("GET", path, good=(200,))).json()
                if found["state"] == "complete":
                    return {one["service"]: one["records"] for one in found["services"]}
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise Stuck(f"the receipt of {person.id} is open") from None
