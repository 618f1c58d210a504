"""Public keys and metadata for external clients; our own services consume the keys as events."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from hirewire.auth.keys import queries
from hirewire.kit.http import RequestTx

router = APIRouter(prefix="/.well-known", tags=["keys"])
CACHEABLE = "public, max-age=300"


class KeySet(BaseModel):
    """A set of public keys (RFC 7517, 5)."""

    keys: list[dict[str, str]]


class Metadata(BaseModel):
    """Metadata of a token issuer (RFC 8414, 2)."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    response_types_supported: list[str] = []
    grant_types_supported: list[str] = []
    token_endpoint_auth_methods_supported: list[str] = ["none"]


@router.get("/jwks.json")
async def jwks(tx: RequestTx, response: Response) -> KeySet:
    """The public keys that verify access tokens (RFC 7517)."""
    response.headers["Cache-Control"] = CACHEABLE
    return KeySet(keys=await queries.published_keys(tx))


@router.get("/oauth-authorization-server")
async def metadata(request: Request, response: Response) -> Metadata:
    """Metadata of this token issuer (RFC 8414).

    Login with JSON credentials is not an OAuth grant, so no grant types are listed.
    """
    issuer = request.app.state.settings.public_url
    response.headers["Cache-Control"] = CACHEABLE
    return Metadata(
        issuer=issuer,
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        token_endpoint=f"{issuer}/api/auth/login",
    )
