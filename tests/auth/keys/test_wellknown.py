"""The public key endpoints."""

from tests.auth.conftest import Auth


async def test_public_keys_are_listed(auth: Auth) -> None:
    answer = await auth.client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")


async def test_without_a_key_the_list_is_empty(keyless: Auth) -> None:
    assert (await keyless.client.get("/.well-known/jwks.json")).json() == {"keys": []}


async def test_metadata(auth: Auth) -> None:
    answer = await auth.client.get("/.well-known/oauth-authorization-server")
    assert answer.headers["cache-control"] == "public, max-age=300"
    body = answer.json()
    assert body["issuer"] == "http://127.0.0.1:8000"
    assert body["jwks_uri"] == "http://127.0.0.1:8000/.well-known/jwks.json"
    assert body["token_endpoint"] == "http://127.0.0.1:8000/api/auth/login"
    assert body["response_types_supported"] == body["grant_types_supported"] == []
