from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from hirewire.kit.addresses import ClientAddress, trust
from hirewire.web.proxy.headers import answer_headers, request_headers


def scope(*headers: tuple[bytes, bytes], peer: str = "10.0.0.9") -> dict[str, Any]:
    return {
        "headers": list(headers),
        "client": (peer, 1),
        "scheme": "http",
        "http_version": "1.1",
    }


def passed(*headers: tuple[bytes, bytes], **given: Any) -> dict[bytes, bytes]:
    return dict(request_headers(scope(*headers, **given), host=b"svc:1", request_id=b"id"))


@pytest.mark.parametrize(
    "name",
    [
        b"connection",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
    ],
)
def test_hop_by_hop_headers_are_not_forwarded(name: bytes) -> None:
    assert name not in passed((name, b"x"))
    assert name not in dict(answer_headers([(name, b"x")], base=b"http://svc"))


def test_headers_named_by_connection_are_not_forwarded() -> None:
    got = passed((b"connection", b"close, X-Own , x-two"), (b"x-own", b"1"), (b"x-two", b"2"))
    assert not {b"x-own", b"x-two"} & got.keys()


def test_the_framing_is_rebuilt() -> None:
    got = passed((b"transfer-encoding", b"chunked"), (b"content-length", b"5"))
    assert not {b"transfer-encoding", b"content-length"} & got.keys()


def test_an_untrusted_client_cannot_set_its_address() -> None:
    got = passed(
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil"),
        (b"forwarded", b"for=1.1.1.1"),
        (b"host", b"jobs"),
    )
    assert got[b"x-forwarded-for"] == b"10.0.0.9"
    assert got[b"x-forwarded-proto"] == b"http"
    assert got[b"x-forwarded-host"] == b"jobs"
    assert b"forwarded" not in got
    assert got[b"host"] == b"svc:1"


async def resolved(
    listed: str, *headers: tuple[bytes, bytes], peer: str = "10.0.0.9"
) -> tuple[str, str]:
    """The address and the scheme that an application sees."""
    seen: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["client"][0], scope["scheme"]))

    given = scope(*headers, peer=peer) | {"type": "http"}
    await ClientAddress(app, listed)(given, None, None)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("listed", "written", "peer", "found"),
    [
        ("10.0.0.9", "1.1.1.1", "10.0.0.9", "1.1.1.1"),
        ("10.0.0.9", "6.6.6.6, 1.1.1.1", "10.0.0.9", "1.1.1.1"),
        ("10.0.0.0/8", "6.6.6.6, 1.1.1.1, 10.0.0.5", "10.0.0.9", "1.1.1.1"),
        ("10.0.0.0/8", "10.0.0.1, 10.0.0.5", "10.0.0.9", "10.0.0.1"),
        ("10.0.0.9", "1.1.1.1", "9.9.9.9", "9.9.9.9"),
        ("*", "6.6.6.6, 1.1.1.1", "10.0.0.9", "1.1.1.1"),
        ("10.0.0.9", "me, myself", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.9", "1.1.1.1:5000", "10.0.0.9", "1.1.1.1"),
        ("10.0.0.9", "[2001:db8::1]:80", "10.0.0.9", "2001:db8::1"),
        ("10.0.0.9", "2001:db8::1", "10.0.0.9", "2001:db8::1"),
        ("", "1.1.1.1", "10.0.0.9", "10.0.0.9"),
    ],
)
async def test_the_clients_address_is_what_the_nearest_trusted_proxies_wrote(
    listed: str, written: str, peer: str, found: str
) -> None:
    line = (b"x-forwarded-for", written.encode())
    assert await resolved(listed, line, peer=peer) == (found, "http")


async def test_several_lines_are_one_list() -> None:
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1")]
    proto = (b"x-forwarded-proto", b"https")
    assert await resolved("10.0.0.9", *lines, proto) == ("1.1.1.1", "https")
    assert await resolved("", *lines, proto) == ("10.0.0.9", "http")


def test_via_is_added_to_what_was_there() -> None:
    assert passed((b"via", b"1.0 outer"))[b"via"] == b"1.0 outer, 1.1 hirewire"


def test_each_cookie_keeps_its_line() -> None:
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    got = answer_headers(cookies, base=b"http://svc")
    assert [pair for pair in got if pair[0] == b"set-cookie"] == cookies


@pytest.mark.parametrize(
    ("location", "public"),
    [
        (b"http://svc:1/api/auth/x?y", b"/api/auth/x?y"),
        (b"http://svc:1", b"/"),
        (b"http://svc:10/api", b"http://svc:10/api"),
        (b"https://elsewhere/", b"https://elsewhere/"),
        (b"/api/auth/x", b"/api/auth/x"),
    ],
)
def test_a_redirect_leads_to_the_public_origin(location: bytes, public: bytes) -> None:
    got = dict(answer_headers([(b"location", location)], base=b"http://svc:1"))
    assert got[b"location"] == public


@pytest.mark.parametrize(
    ("listed", "address", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("10.0.0.0/8, ::1", "10.9.9.9", True),
        ("10.0.0.0/8, ::1", "::1", True),
        ("*", "9.9.9.9", True),
        ("", "127.0.0.1", False),
        ("10.0.0.0/8", "no address", False),
    ],
)
def test_trust(listed: str, address: str, expected: bool) -> None:
    assert trust(listed)(address) is expected


def test_an_invalid_list_is_quoted() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        trust("127.0.0.1,nonsense")
