"""What a service takes for an access token: one algorithm, type, issuer and audience, in time."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy.ext.asyncio import create_async_engine

from hirewire.kit.clock import now
from hirewire.kit.errors import AppError
from hirewire.kit.keyring import PublicKey
from hirewire.kit.tokens import LONGEST, InvalidToken, Verifier

ISSUER = "https://jobs.test"
KEY = OKPKey.generate_key("Ed25519", {"kid": "ours"})
THEIRS = OKPKey.generate_key("Ed25519", {"kid": "ours"})
USER = uuid4()


@pytest.fixture
def verifier() -> Verifier:
    """It knows one key, and needs no database for that."""
    made = Verifier(create_async_engine("postgresql+asyncpg://nowhere"), ISSUER)
    public, moment = KEY.as_dict(private=False), now()
    life = (moment - timedelta(days=1), moment + timedelta(days=1))
    known = PublicKey("ours", dict(public), *life)
    made._keys = {"ours": (known, OKPKey.import_key(dict(public)))}
    made._loaded = made.refusals._loaded = float("inf")  # it looks for no others, and no marks
    return made


def signed(
    claims: dict[str, Any] | None = None, key: OKPKey | OctKey = KEY, **header: object
) -> str:
    """A token of ours, with these claims, this key and this header instead."""
    moment = int(now().timestamp())
    body = {"iss": ISSUER, "sub": str(USER), "aud": "hirewire", "iat": moment, "exp": moment + 600}
    body |= claims or {}
    head = {"alg": "EdDSA", "typ": "at+jwt", "kid": "ours"} | header
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(head, body, key, algorithms=["EdDSA", "HS256"])


def unsigned() -> str:
    parts = [
        {"alg": "none", "typ": "at+jwt", "kid": "ours"},
        json.loads(base64.urlsafe_b64decode(signed().split(".")[1] + "==")),
    ]
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*encoded, b""]).decode()


def changed() -> str:
    head, _, signature = signed().split(".")
    body = signed({"sub": str(uuid4())}).split(".")[1]
    return f"{head}.{body}.{signature}"


async def test_a_token_of_ours_names_its_user(verifier: Verifier) -> None:
    assert (await verifier.verify(signed())).user_id == USER


@pytest.mark.parametrize(
    "make",
    [
        unsigned,
        changed,
        lambda: signed(key=THEIRS),
        lambda: signed(alg="HS256", key=OctKey.import_key(str(KEY.as_dict(private=False)["x"]))),
        lambda: signed(key=THEIRS, jwk=dict(THEIRS.as_dict(private=False))),
        lambda: signed(key=THEIRS, jku="https://evil.test/jwks.json"),
        lambda: signed(kid="unknown"),
        lambda: signed(typ="JWT"),
        lambda: signed(typ="id_token"),
        lambda: signed({"aud": "others"}),
        lambda: signed({"aud": None}),
        lambda: signed({"iss": "https://evil.test"}),
        lambda: signed({"exp": int(now().timestamp()) - 6}),
        lambda: signed({"exp": None}),
        lambda: signed({"iat": int(now().timestamp()) + 60}),
        lambda: signed({"sub": "admin"}),
        lambda: signed({"more": "x" * LONGEST}),
    ],
    ids=lambda make: make.__name__,
)
async def test_anything_else_is_refused(verifier: Verifier, make: Callable[[], str]) -> None:
    with pytest.raises(AppError) as refused:
        await verifier.verify(make())
    assert isinstance(refused.value, InvalidToken)
