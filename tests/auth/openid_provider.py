"""A small OpenID Connect provider for the tests, whose answers they can spoil."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.types import Receive, Scope, Send

from hirewire.kit.clock import now
from hirewire.kit.sign_in_providers import SignInProvider
from hirewire.launcher.process import free_port
from tests.web.conftest import serving

KEY = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
CLIENT, SECRET = "board:1", "a secret & some more"
Change = Callable[[dict[str, Any]], Any]


class FakeProvider:
    """The provider. Its `changes` spoil an answer by path, `statuses` replace its status."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.setting = SignInProvider(
            issuer=self.issuer, client_id=CLIENT, client_secret=SECRET, name="Example ID"
        )
        self.key = KEY
        self.published = [KEY]
        self.user: dict[str, Any] = {
            "sub": "u1",
            "email": "anna@example.org",
            "email_verified": True,
        }
        self.asks_userinfo = False
        self.reset()

    def reset(self) -> None:
        """Behave well again."""
        self.changes: dict[str, Change] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.statuses: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.heads: dict[str, tuple[bytes, bytes]] = {}
        self.pause = 0.0
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
        self.calls: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.used: set[str] = set()

    def code(self, address: str) -> tuple[str, str]:
        """What the browser brings back from this authorization request: code and state."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        return f"code {query['nonce']}", query["state"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        self.calls.append(path)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await asyncio.sleep(self.pause)
        status, answer = self._answer(path, body)
        if path in self.changes:
            answer = self.changes[path](answer)
        status = self.statuses.get(path, status)
        content = self.bodies.get(path, json.dumps(answer).encode())
        head = self.heads.get(path, (b"x-nothing", b""))
        headers = [(b"content-type", b"application/json"), head]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "authorization_response_iss_parameter_supported": True,
            }
        if path == "/keys":
            return 200, {"keys": [one.as_dict(private=False) for one in self.published]}
        if path == "/userinfo":
            return 200, self.user
        assert path == "/token", path
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.forms.append(form)
        if form["code"] in self.used or not form["code"].startswith("code "):
            return 400, {"error": "invalid_grant"}
        self.used.add(form["code"])
        return 200, {"access_token": "at", "id_token": self._token(form["code"][5:])}

    def _token(self, nonce: str) -> str:
        moment = int(now().timestamp())
        user = {"sub": self.user["sub"]} if self.asks_userinfo else self.user
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "nonce": nonce,
            "iat": moment,
            "exp": moment + 300,
        }
        claims |= user | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid} | self.header
        if self.sign is not None:
            return self.sign(header, claims)
        return jwt.encode(header, claims, self.key, algorithms=["RS256"])


@asynccontextmanager
async def fake_provider() -> AsyncIterator[FakeProvider]:
    """The provider on a port of its own."""
    provider = FakeProvider(port := free_port())
    async with serving(provider, port):
        yield provider
