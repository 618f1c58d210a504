"""What a provider answers is checked: every claim, key and endpoint, and how it arrives."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from hirewire.auth.openid import providers
from hirewire.auth.openid.answers import Identity, Metadata, NotValid, is_expected
from hirewire.auth.openid.attempts import NotThisAttempt, address, begun, opened
from hirewire.auth.openid.providers import CodeRefused, Provider, ProviderAway
from hirewire.kit.clock import now
from hirewire.kit.secrets import use_keys
from tests.auth.openid_provider import CLIENT, KEY, SECRET, FakeProvider, fake_provider
from tests.services import SECRET_KEY

BACK = "http://board.test/signin/from/example"
OTHER = RSAKey.generate_key(2048, {"kid": "two"})
CONFIGURATION = "/.well-known/openid-configuration"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[FakeProvider]:
    use_keys(SECRET_KEY)
    async with fake_provider() as provider:
        yield provider


@pytest.fixture
def fake(running: FakeProvider) -> FakeProvider:
    running.reset()
    running.key, running.published, running.asks_userinfo = KEY, [KEY], False
    return running


async def sign_in(fake: FakeProvider, provider: Provider | None = None) -> Identity:
    """Sign in with a client that remembers nothing."""
    client = provider or Provider(fake.setting)
    attempt = begun("example")
    place = address(await client.metadata(), attempt, CLIENT, BACK)
    code, state = fake.code(place)
    attempt = opened(attempt.sealed(), "example", state)
    identity, access = await client.identity(code, attempt.verifier, attempt.nonce, BACK)
    return await client.completed(identity, access)


async def test_a_sign_in_sends_what_it_should(fake: FakeProvider) -> None:
    client = Provider(fake.setting)
    identity = await sign_in(fake, client)
    assert identity == Identity(fake.issuer, "u1", "anna@example.org", True, True)
    [form] = fake.forms
    assert form["redirect_uri"] == BACK
    assert len(form["code_verifier"]) >= 43
    assert "client_secret" not in form
    await sign_in(fake, client)
    assert fake.calls == [CONFIGURATION, "/token", "/keys", "/token"]
    place = address(await client.metadata(), begun("example"), CLIENT, BACK)
    query = parse_qs(urlsplit(place).query)
    assert (query["scope"], query["response_type"]) == (["openid email"], ["code"])


async def test_the_address_comes_from_userinfo_if_the_token_lacks_it(fake: FakeProvider) -> None:
    fake.asks_userinfo = True
    assert (await sign_in(fake)).is_verified
    fake.changes["/userinfo"] = lambda user: user | {"sub": "u2"}
    with pytest.raises(NotValid, match="another user"):
        await sign_in(fake)
    fake.changes["/userinfo"] = lambda _: []
    with pytest.raises(ProviderAway):
        await sign_in(fake)


async def test_a_provider_without_basic_authentication_gets_the_secret_in_the_form(
    fake: FakeProvider,
) -> None:
    fake.changes[CONFIGURATION] = lambda one: (
        one | {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    )
    await sign_in(fake)
    assert (fake.forms[0]["client_id"], fake.forms[0]["client_secret"]) == (CLIENT, SECRET)


MOMENT = now().timestamp()
WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://evil.example"},
    {"iss": None},
    {"aud": "another"},
    {"aud": [CLIENT, "another"]},
    {"aud": [], "azp": CLIENT},
    {"aud": None},
    {"azp": "another"},
    {"nonce": "another"},
    {"nonce": None},
    {"nonce": 1},
    {"exp": MOMENT - 61},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": True},
    {"iat": MOMENT + 120},
    {"iat": MOMENT - 700},
    {"iat": None},
    {"nbf": MOMENT + 120},
    {"nbf": "x"},
    {"sub": None},
    {"sub": ""},
    {"sub": 1},
    {"sub": "x" * 256},
]


async def test_wrong_claims_are_refused(fake: FakeProvider) -> None:
    client = Provider(fake.setting)
    since = now().timestamp() - MOMENT
    for wrong in WRONG_CLAIMS:
        claims = {k: v + since if isinstance(v, float) else v for k, v in wrong.items()}
        fake.claims = claims
        with pytest.raises(NotValid):
            await sign_in(fake, client)
            pytest.fail(f"accepted: {claims}")


async def test_clocks_may_be_a_minute_apart(fake: FakeProvider) -> None:
    moment = now().timestamp()
    client = Provider(fake.setting)
    for claims in (
        {"exp": moment - 50, "iat": moment - 350},
        {"iat": moment + 50},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"nbf": moment + 50},
    ):
        fake.claims = claims
        assert (await sign_in(fake, client)).subject == "u1"


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [json.dumps(one).encode() for one in ({"alg": "none"} | header, claims)]
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts) + "."


def with_secret(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        whole = unsigned(header | {"alg": "HS256"}, claims)[:-1]
        mark = hmac.digest(secret, whole.encode(), hashlib.sha256)
        return f"{whole}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    return sign


def by_another(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jwt.encode(header, claims, OTHER, algorithms=["RS256"])


def changed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    head, _, signature = jwt.encode(header, claims, KEY, algorithms=["RS256"]).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "u2"}).encode()).decode()
    return f"{head}.{body.rstrip('=')}.{signature}"


async def test_wrong_signatures_are_refused(fake: FakeProvider) -> None:
    client = Provider(fake.setting)
    forged = [
        lambda header, claims: unsigned(header | {"alg": "none"}, claims),
        with_secret(SECRET.encode()),
        with_secret(KEY.as_pem(private=False)),
        by_another,
        changed,
        lambda *_: "x.y.z",
        lambda *_: "",
        lambda *_: "e30.e30.e30.e30.e30",
    ]
    for sign in forged:
        fake.sign = sign
        with pytest.raises(NotValid):
            await sign_in(fake, client)
            pytest.fail(f"accepted: {sign}")
    fake.sign = None
    fake.changes["/token"] = lambda one: one | {"id_token": 7}
    with pytest.raises(NotValid):
        await sign_in(fake, client)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (OTHER, "PS256"),
        (ECKey.generate_key("P-256", {"kid": "two"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"kid": "two"}), "EdDSA"),
    ],
    ids=["PS256", "ES256", "EdDSA"],
)
async def test_other_algorithms_and_new_keys(
    fake: FakeProvider, key: Any, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Provider(fake.setting)
    await sign_in(fake, client)
    fake.header = {"kid": "two", "alg": algorithm}
    fake.sign = lambda header, claims: jwt.encode(header, claims, key, algorithms=[algorithm])
    with pytest.raises(NotValid, match="unknown key"):
        await sign_in(fake, client)
    assert fake.calls.count("/keys") == 1  # read a moment ago
    monkeypatch.setattr(providers, "PAUSE_SECONDS", 0)
    fake.published = [KEY, key]
    assert (await sign_in(fake, client)).subject == "u1"
    assert fake.calls.count("/keys") == 2
    fake.published = [key]
    fake.changes["/keys"] = lambda one: {"keys": [{"kty": "new"}, None, *one["keys"]]}
    fake.header = {"kid": "three", "alg": algorithm}
    with pytest.raises(NotValid, match="unknown key"):
        await sign_in(fake, client)


async def test_answers_that_are_no_answers(fake: FakeProvider, monkeypatch: Any) -> None:
    monkeypatch.setattr(providers, "CALL_SECONDS", 0.3)
    client = Provider(fake.setting)
    await sign_in(fake, client)
    spoiled: list[Callable[[], object]] = [
        lambda: fake.statuses.update({"/token": 500}),
        lambda: fake.statuses.update({"/token": 302}),
        lambda: fake.bodies.update({"/token": b'{"a": "' + b"x" * providers.LARGEST + b'"}'}),
        lambda: fake.bodies.update({"/token": b"<html>"}),
        lambda: fake.bodies.update({"/token": b"[" * 100_000}),
        lambda: fake.bodies.update({"/token": b"[1]"}),
        lambda: fake.heads.update({"/token": (b"content-encoding", b"gzip")}),
        lambda: setattr(fake, "pause", 0.5),
    ]
    for spoil in spoiled:
        fake.reset()
        spoil()
        with pytest.raises(ProviderAway):
            await sign_in(fake, client)
    fake.reset()
    fake.statuses["/token"] = 400
    with pytest.raises(CodeRefused):
        await sign_in(fake, client)
    fake.reset()
    assert (await sign_in(fake, client)).subject == "u1"


async def test_redirects_are_not_followed(fake: FakeProvider) -> None:
    fake.statuses[CONFIGURATION] = 302
    fake.heads[CONFIGURATION] = (b"location", f"{fake.issuer}/keys".encode())
    with pytest.raises(ProviderAway, match="302"):
        await Provider(fake.setting).metadata()
    assert fake.calls == [CONFIGURATION]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "https://169.254.169.254/latest"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://keys.example.org/"},
        {"jwks_uri": "https://localhost/"},
        {"jwks_uri": "https://[::1]/"},
        {"jwks_uri": "https://keys.example.org:8443/"},
        {"jwks_uri": "https://keys.example.org:x/"},
        {"userinfo_endpoint": "http://127.0.0.1:1/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example.org/a\nSet-Cookie: x"},
    ],
    ids=str,
)
async def test_metadata_names_no_foreign_places(fake: FakeProvider, change: dict[str, Any]) -> None:
    fake.changes[CONFIGURATION] = lambda one: one | change
    client = Provider(fake.setting)
    with pytest.raises(NotValid):
        await client.metadata()
    with pytest.raises(ProviderAway, match="a moment ago"):  # it is left alone for some seconds
        await client.metadata()
    assert fake.calls == [CONFIGURATION]


async def test_endpoints_may_be_elsewhere_by_https(fake: FakeProvider) -> None:
    fake.changes[CONFIGURATION] = lambda one: one | {"jwks_uri": "https://keys.example.org/keys"}
    assert (await Provider(fake.setting).metadata()).jwks_uri.startswith("https://keys")


async def test_the_issuer_of_an_answer_is_checked(fake: FakeProvider) -> None:
    metadata = await Provider(fake.setting).metadata()
    assert is_expected(fake.issuer, metadata)
    assert not is_expected(None, metadata)
    assert not is_expected("https://evil.example", metadata)
    older = Metadata.model_validate(
        metadata.model_dump() | {"authorization_response_iss_parameter_supported": False}
    )
    assert is_expected(None, older)
    assert not is_expected("https://evil.example", older)


def test_an_attempt_belongs_to_one_browser_provider_and_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_keys(SECRET_KEY)
    attempt, other = begun("example"), begun("example")
    sealed = attempt.sealed()
    assert attempt.verifier not in sealed
    assert opened(sealed, "example", attempt.state) == attempt
    wrong = [
        (other.sealed(), "example", attempt.state, None),
        (sealed, "other", attempt.state, None),
        (sealed, "example", other.state, None),
        (sealed, "example", "", None),
        (sealed, "example", attempt.state, "somebody"),
        (sealed[:-4], "example", attempt.state, None),
        ("", "example", attempt.state, None),
        ("é", "example", attempt.state, None),
        (begun("example", "somebody").sealed(), "example", attempt.state, None),
    ]
    for one in wrong:
        with pytest.raises(NotThisAttempt):
            opened(*one)
    late = now().timestamp() + 601
    monkeypatch.setattr(
        "hirewire.auth.openid.attempts.now",
        lambda: __import__("datetime").datetime.fromtimestamp(late),
    )
    with pytest.raises(NotThisAttempt):
        opened(sealed, "example", attempt.state)
