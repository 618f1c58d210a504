"""Protection against other people, caches and other sites."""

import base64
from collections.abc import Mapping

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hirewire.web.hardening import Hardened, OperatorsOnly
from hirewire.web.sessions import claims, ends
from tests.web.conftest import Front, Seen, reply

EMPTY: Mapping[str, str] = {}


async def answered(
    headers: dict[str, str] | None = None, *, secure: bool = False, said: Mapping[str, str] = EMPTY
) -> httpx.Headers:
    """The headers of a response with these headers, to a request with those."""

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await reply(
            send, b"", *((n.replace("_", "-").encode(), v.encode()) for n, v in said.items())
        )

    transport = httpx.ASGITransport(Hardened(app, secure=secure))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.test") as client:
        return (await client.get("/x/", headers=headers)).headers


async def test_security_headers_are_sent() -> None:
    plain = await answered()
    assert "strict-transport-security" not in plain
    assert plain["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=()" in plain["permissions-policy"]
    assert plain["content-security-policy"].startswith("default-src 'none'; base-uri 'none'")
    assert "frame-ancestors 'none'" in plain["content-security-policy"]
    assert plain["referrer-policy"] == "same-origin"
    own = await answered(said={"content_security_policy": "default-src 'self'"})
    assert own.get_list("content-security-policy") == ["default-src 'self'"]
    encrypted = (await answered(secure=True))["strict-transport-security"]
    assert encrypted == "max-age=31536000; includeSubDomains"


async def test_every_answer_has_them(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages, files, errors and what the services answer; also the answer to an error of ours."""

    def fails(*_: object) -> None:
        raise RuntimeError

    seen = ["/", "/static/hirewire.css", "/nowhere", "/api/auth/me", "/api/nowhere", "/robots.txt"]
    elsewhere = {"Origin": "https://evil.test"}
    answers = [await front.client.get(path, headers=elsewhere) for path in seen]
    answers += [await front.client.get("/x%00"), await front.client.request("TRACE", "/")]
    answers.append(await front.client.post("/theme", content=b"x" * 2_000_000))
    monkeypatch.setattr(front.app.state.services, "states", fails)
    answers.append(await front.client.get("/status"))
    assert [answer.status_code for answer in answers] == [
        *(200, 200, 404, 200, 404, 200, 422, 405, 413, 500)
    ]
    for answer in answers:
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], answer.url
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(("public_url", "begins"), [("https://jobs.test", "__Host-"), (None, "")])
async def test_cookies_are_for_this_host_alone(
    front: Front, public_url: str | None, begins: str
) -> None:
    """Whoever signs in here again ends the session that this browser had."""
    front.service.answer = signed_in
    front.app.state.public_url = public_url or front.app.state.public_url
    valid = token('{"exp": 9999999999}')
    old = {"Cookie": f"{begins}hirewire_access={valid}; {begins}hirewire_refresh=old"}
    form = {"email": "anna@example.org", "password": "secret", "theme": "dark", "language": "ru"}
    given: list[str] = []
    for path in ("/theme", "/language", "/signin"):
        answer = await front.client.post(path, data=form, headers=old)
        given += answer.headers.get_list("set-cookie")
    names = ["theme", "language", "access", "refresh"]
    assert [one.partition("=")[0] for one in given] == [f"{begins}hirewire_{n}" for n in names]
    for one in given:
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(one.split("; "))
        assert ("Secure" in one.split("; ")) == bool(begins)
    assert [seen.target for seen in front.service.seen] == [b"/api/auth/login", b"/api/auth/logout"]

    out = await front.client.post("/signout", headers=old)
    assert out.headers["clear-site-data"] == '"prefetchCache", "prerenderCache"'


async def signed_in(_: Seen, receive: Receive, send: Send) -> None:
    """The service accepts the password."""
    body = b'{"accessToken": "new", "refreshToken": "new"}'
    await reply(send, body, (b"content-type", b"application/json"))


@pytest.mark.parametrize(
    ("asked", "said", "kept"),
    [
        ({}, {}, None),
        ({"Authorization": "Bearer x"}, {}, "no-store"),
        ({"Cookie": "__Host-hirewire_access=x"}, {}, "no-store"),
        ({"Cookie": "theme=dark"}, {}, None),
        ({}, {"set_cookie": "a=1"}, "no-store"),
        (
            {"Authorization": "Bearer x"},
            {"cache_control": "private, max-age=5"},
            "private, max-age=5",
        ),
    ],
)
async def test_personal_pages_are_not_cached(
    asked: dict[str, str], said: dict[str, str], kept: str | None
) -> None:
    assert (await answered(asked, said=said)).get("cache-control") == kept


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://evil.test/x?y=1", "/x?y=1"),
        ("http://evil.test.example/x", "http://evil.test.example/x"),
        ("/y", "/y"),
        ("https://elsewhere.test/", "https://elsewhere.test/"),
    ],
)
async def test_a_redirect_does_not_repeat_the_requests_host(location: str, expected: str) -> None:
    assert (await answered(said={"location": location}))["location"] == expected


async def test_the_redirect_of_a_trailing_slash_stays_on_the_host(front: Front) -> None:
    answer = await front.client.get("/vacancies/", headers={"Host": "evil.test"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/vacancies")


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
async def test_operational_paths_are_restricted_to_this_machine_and_operators(path: str) -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"figures")

    async def status(peer: str, **headers: str) -> int:
        guarded = OperatorsOnly(app, token="of-the-operators")
        transport = httpx.ASGITransport(guarded, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
            return (await client.get(path, headers=headers)).status_code

    assert await status("127.0.0.1") == 200
    assert await status("127.0.0.1", **{"X-Forwarded-For": "1.1.1.1"}) == 404
    assert await status("10.0.0.9") == 404
    assert await status("10.0.0.9", Authorization="Bearer of-the-operators") == 200
    assert await status("10.0.0.9", Authorization="Bearer of-somebody-else") == 404


def token(claimed: str) -> str:
    return f"h.{base64.urlsafe_b64encode(claimed.encode()).decode()}.s"


@pytest.mark.parametrize(
    "claimed",
    [
        '{"exp": "soon"}',
        '{"exp": true}',
        '{"exp": [1]}',
        '{"exp": 1e300}',
        '{"exp": NaN}',
        "[]",
        "[" * 50_000,
    ],
)
def test_an_invalid_cookie_is_no_session(claimed: str) -> None:
    assert ends(token(claimed)) == 0
    assert isinstance(claims(token(claimed)), dict)


async def nobody(_: Seen, receive: Receive, send: Send) -> None:
    """The service knows no user."""
    await reply(send, b"{}", (b"content-type", b"application/json"), status=401)


async def test_an_invalid_cookie_does_not_lock_anybody_out(front: Front) -> None:
    front.service.answer = nobody
    cookies = {"hirewire_access": token("[" * 3000), "hirewire_refresh": "x"}
    for cookie in (cookies, {"hirewire_access": token('{"exp": "soon"}')}):
        header = "; ".join(f"{name}={value}" for name, value in cookie.items())
        answer = await front.client.get("/signin", headers={"Cookie": header})
        assert answer.status_code == 200


async def test_files_are_served_to_signed_in_users_only(front: Front) -> None:
    upload = {"file": ("resume.json", b"x" * 3_000_000)}
    for path in ("/theme", "/language", "/signin"):
        assert (await front.client.post(path, files=upload)).status_code == 413
        small = {"file": ("resume.json", b"{}")}
        assert (await front.client.post(path, files=small)).status_code == 400
    answer = await front.client.post("/resumes/import", files=upload)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin")

    front.service.answer = nobody
    forged = {"Cookie": f"hirewire_access={token('{}')}"}
    answer = await front.client.post("/resumes/import", files=upload, headers=forged)
    assert answer.status_code == 303
    assert [seen.target for seen in front.service.seen] == [b"/api/auth/me"]


async def test_a_page_accepts_no_large_body(front: Front) -> None:
    answer = await front.client.post("/theme", content=b"theme=" + b"x" * 2_000_000)
    assert answer.status_code == 413
    answer = await front.client.post(
        "/theme", content=b"theme=" + b"x" * 2_000_000, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 413
    assert "text/html" in answer.headers["content-type"]
