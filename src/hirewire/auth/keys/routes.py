"""Public keys and metadata for external clients; our own services consume the keys as events."""

from typing import Any

from fastapi import APIRouter, Request, Response

from hirewire.auth.keys import queries
from hirewire.kit.http import RequestTx

router = APIRouter(prefix="/.well-known", tags=["keys"])
CACHEABLE = "public, max-age=300"


@router.get("/jwks.json")
async def jwks(tx: RequestTx, response: Response) -> dict[str, Any]:
    """The public keys that verify access tokens (RFC 7517)."""
    response.headers["Cache-Control"] = CACHEABLE
    return {"keys": await queries.published_keys(tx)}


@router.get("/oauth-authorization-server")
async def metadata(request: Request, response: Response) -> dict[str, Any]:
    """Metadata of this token issuer (RFC 8414).

    Login with JSON credentials is not an OAuth grant, so no grant types are listed.
    """
    issuer = request.app.state.settings.public_url
    response.headers["Cache-Control"] = CACHEABLE
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/api/auth/login",
        "response_types_supported": [],
        "grant_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
    }
