"""Calls to a provider: short, small, never redirected; what it publishes is remembered."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from urllib.parse import quote_plus

import httpx
import structlog
from pydantic import JsonValue, ValidationError

from hirewire.auth.openid.answers import (
    Expected,
    Identity,
    Metadata,
    NotValid,
    PublicKey,
    UnknownKey,
    identity_of,
    keys_of,
    with_claims,
)
from hirewire.kit.clock import now
from hirewire.kit.sign_in_providers import SignInProvider

log = structlog.get_logger(__name__)
CONNECT_SECONDS, CALL_SECONDS = 3.0, 5.0
LARGEST = 256 * 1024
"""Bytes of an answer."""
MOST_CALLS = 20
"""Calls to one provider at a time."""
FRESH_SECONDS = 3600.0
"""How long metadata and keys are used."""
PAUSE_SECONDS = 5.0
"""How long a provider that failed is left alone, and the least time between two readings of its
keys."""


class ProviderAway(Exception):
    """A provider did not answer, or not as it should; the text says how, for the log."""


class CodeRefused(Exception):
    """The provider does not accept the code: it was used, has expired, or belongs to another."""


class Provider:
    """A provider, as this process knows it."""

    def __init__(self, setting: SignInProvider) -> None:
        self.setting = setting
        self._metadata: Metadata | None = None
        self._read_at = self._keys_at = self._failed_at = float("-inf")
        self._keys: tuple[tuple[str | None, PublicKey], ...] = ()
        self._lock = asyncio.Lock()
        self._places = asyncio.Semaphore(MOST_CALLS)

    async def metadata(self) -> Metadata:
        """What the provider says about itself, at most an hour old.

        Raises `ProviderAway`, and `NotValid` if it is another issuer.
        """
        async with self._lock:
            moment = time.monotonic()
            if self._metadata is not None and moment - self._read_at < FRESH_SECONDS:
                return self._metadata
            if moment - self._failed_at < PAUSE_SECONDS:
                raise ProviderAway("failed a moment ago")
            try:
                place = f"{self.setting.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = Metadata.model_validate(await self._call("GET", place))
                found.check(self.setting.issuer)
            except ValidationError:
                self._failed_at = moment
                raise NotValid("the metadata lacks an endpoint") from None
            except (ProviderAway, NotValid):
                self._failed_at = moment
                raise
            self._metadata, self._read_at = found, moment
            return found

    async def identity(
        self, code: str, verifier: str, nonce: str, redirect: str
    ) -> tuple[Identity, str | None]:
        """Who the code is about, and an access token for their claims.

        Raises `CodeRefused`, `NotValid` and `ProviderAway`.
        """
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        answer = await self._call("POST", metadata.token_endpoint, form=form)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise NotValid("there is no ID token")
        expected = Expected(metadata.issuer, self.setting.client_id, nonce, now())
        try:
            found = identity_of(token, await self._known_keys(metadata), expected)
        except UnknownKey:
            try:
                found = identity_of(token, await self._newer_keys(metadata), expected)
            except UnknownKey:
                raise NotValid("an unknown key has signed the ID token") from None
        return found, access if isinstance(access, str) else None

    async def completed(self, identity: Identity, access: str | None) -> Identity:
        """The identity with its address, for which the provider is asked if the ID token lacks it.

        Raises `NotValid` and `ProviderAway`.
        """
        metadata = await self.metadata()
        if identity.is_complete or access is None or metadata.userinfo_endpoint is None:
            return identity
        claims = await self._call("GET", metadata.userinfo_endpoint, bearer=access)
        return with_claims(identity, claims)

    async def _known_keys(self, metadata: Metadata) -> tuple[tuple[str | None, PublicKey], ...]:
        if time.monotonic() - self._keys_at < FRESH_SECONDS:
            return self._keys
        return await self._newer_keys(metadata)

    async def _newer_keys(self, metadata: Metadata) -> tuple[tuple[str | None, PublicKey], ...]:
        """The keys, read again unless that was just done: made-up ids must not cause calls."""
        async with self._lock:
            if time.monotonic() - self._keys_at >= PAUSE_SECONDS:
                self._keys = keys_of(await self._call("GET", metadata.jwks_uri))
                self._keys_at = time.monotonic()
            return self._keys

    async def _call(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        bearer: str | None = None,
    ) -> dict[str, JsonValue]:
        """The JSON object of a successful answer. `form` is sent as this client.

        Raises `ProviderAway`, and `CodeRefused` for a form that the provider does not accept.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        data = dict(form) if form is not None else None
        if data is not None:
            self._authenticate(data, headers)
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        try:
            async with asyncio.timeout(CALL_SECONDS), self._places:
                status, content = await _answer(method, address, headers, data)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderAway(type(error).__name__) from None
        if data is not None and status in (400, 401):
            raise CodeRefused(_error_of(content))
        if status != 200:
            raise ProviderAway(f"status {status}")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise ProviderAway("not JSON") from None
        if not isinstance(found, dict):
            raise ProviderAway("not a JSON object")
        return found

    def _authenticate(self, form: dict[str, str], headers: dict[str, str]) -> None:
        """Add the client's id and secret in the way that the provider supports."""
        id, secret = self.setting.client_id, self.setting.client_secret
        assert self._metadata is not None
        if "client_secret_basic" in self._metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are encoded as in a form first.
            pair = f"{quote_plus(id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            form |= {"client_id": id, "client_secret": secret}


async def _answer(
    method: str, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> tuple[int, bytes]:
    """The status and the body of an answer. Raises `ProviderAway` for a large or packed body."""
    timeout = httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with (
        httpx.AsyncClient(timeout=timeout, verify=_trusted(), follow_redirects=False) as client,
        client.stream(method, address, headers=dict(headers), data=form) as answer,
    ):
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ProviderAway("a compressed answer")
        content = b""
        async for part in answer.aiter_raw():
            content += part
            if len(content) > LARGEST:
                raise ProviderAway("a huge answer")
        return answer.status_code, content


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities: loading them takes longer than a call."""
    return httpx.create_ssl_context()


@lru_cache(maxsize=64)
def provider_of(setting: SignInProvider) -> Provider:
    """The provider of a setting, with what this process remembers of it."""
    return Provider(setting)


def _error_of(content: bytes) -> str:
    """The error code in the body of a refusal, such as `invalid_grant`."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    code = found.get("error") if isinstance(found, dict) else None
    return code[:100] if isinstance(code, str) else ""
