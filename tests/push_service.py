"""A push service of our own: it checks what a real one checks, and reads what a browser would.

Decryption follows RFC 8188 and RFC 8291 step by step, so that the sender's library is not checked
by itself.
"""

import asyncio
import hashlib
import hmac
import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def coded(content: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    key = hmac.digest(salt, secret, hashlib.sha256)
    return hmac.digest(key, info + b"\x01", hashlib.sha256)[:length]


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """A browser with a subscription: only it can read what is sent to it."""

    endpoint: str
    key: str = ""
    """The public key of the board that it subscribed with."""
    private: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def public(self) -> bytes:
        return _point(self.private.public_key())

    def subscription(self) -> dict[str, Any]:
        """As the API takes it."""
        keys = {"p256dh": coded(self.public), "auth": coded(self.auth)}
        return {"endpoint": self.endpoint, "keys": keys, "publicKey": self.key}

    def read(self, body: bytes) -> bytes:
        """The content of a message (`aes128gcm`, one record)."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert (length, len(record) <= size) == (65, True)
        point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender)
        shared = self.private.exchange(ECDH(), point)
        material = _hkdf(self.auth, shared, b"WebPush: info\x00" + self.public + sender, 32)
        content_key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _hkdf(salt, material, b"Content-Encoding: nonce\x00", 12)
        padded = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\x00")
        assert padded.endswith(b"\x02"), "the last record"
        return padded[:-1]


@dataclass(frozen=True)
class Taken:
    """A message that was accepted."""

    browser: Browser
    content: Mapping[str, Any]
    size: int
    """Of the whole content, with its padding."""
    headers: Mapping[str, str]
    claims: Mapping[str, Any]


@dataclass
class PushService:
    """What the service knows, has taken, and how it answers."""

    origin: str = ""
    browsers: dict[str, Browser] = field(default_factory=dict)
    """By path."""
    taken: list[Taken] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    """The paths of all requests."""
    refused: list[str] = field(default_factory=list)
    """Why messages were refused that should not have been sent so."""
    answers: dict[str, web.Response | None] = field(default_factory=dict)
    """By path, instead of a check; None hangs until `ended`, and breaks off."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    loses_answers: bool = False
    """Whether it takes messages and breaks the connection off."""

    def subscribed(self, key: str) -> Browser:
        """A browser that subscribes."""
        path = f"/push/{uuid4().hex}"
        made = self.browsers[path] = Browser(self.origin + path, key)
        return made

    def to(self, browser: Browser) -> list[Taken]:
        """What was taken for a browser."""
        return [one for one in self.taken if one.browser is browser]

    def answer(self, browser: Browser, answer: web.Response | None) -> None:
        """Answer so to messages for this browser from now on."""
        self.answers[urlsplit(browser.endpoint).path] = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.attempts.append(request.path)
        if request.path in self.answers:
            answer = self.answers[request.path]
            if answer is None:
                await self.ended.wait()
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            made = web.Response(status=answer.status, headers=answer.headers)
            made.body = answer.body
            return made
        try:
            taken = self._checked(request, body)
        except (AssertionError, InvalidSignature, ValueError, KeyError) as error:
            self.refused.append(repr(error))
            return web.Response(status=403, text=repr(error))
        self.taken.append(taken)
        if self.loses_answers:
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=201, headers={"Location": f"{self.origin}/m/{uuid4().hex}"})

    def _checked(self, request: web.Request, body: bytes) -> Taken:
        browser, headers = self.browsers[request.path], request.headers
        assert request.method == "POST"
        assert headers["Content-Encoding"] == "aes128gcm"
        assert 0 < int(headers["TTL"]) <= 28 * 86400
        assert headers["Urgency"] in ("very-low", "low", "normal", "high")
        assert 0 < len(headers["Topic"]) <= 32
        assert len(decoded(headers["Topic"])) == len(headers["Topic"]) * 3 // 4
        assert len(body) <= 4096
        claims = verified(headers["Authorization"], browser.key, self.origin)
        content = browser.read(body)
        return Taken(browser, json.loads(content), len(content), dict(headers), claims)


def verified(authorization: str, key: str, audience: str) -> Mapping[str, Any]:
    """The claims of a VAPID header (RFC 8292), of the key that the browser subscribed with."""
    scheme, _, rest = authorization.partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, given["k"]) == ("vapid", key)
    head, body, signature = given["t"].split(".")
    header, claims = json.loads(decoded(head)), json.loads(decoded(body))
    assert header == {"typ": "JWT", "alg": "ES256"}
    raw = decoded(signature)
    point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(key))
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    point.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ECDSA(SHA256()))
    assert claims["aud"] == audience
    assert time.time() < claims["exp"] <= time.time() + 86400
    assert claims["sub"].startswith(("mailto:", "https:"))
    return dict(claims)


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """A running service on loopback."""
    service = PushService()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    service.origin = f"http://{host}:{port}"
    try:
        yield service
    finally:
        await runner.cleanup()
