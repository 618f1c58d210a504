"""Who may use the internal API: operators, by their token."""

import secrets
from typing import Annotated

from fastapi import Header, Request

from hirewire.kit.errors import AppError, Kind


class OperatorsOnly(AppError):
    """The operator token (HIREWIRE_OPERATOR_TOKEN) is required."""

    slug = "operators-only"
    code = "operators_only"
    kind = Kind.FORBIDDEN


async def operator(
    request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> None:
    """Raise `OperatorsOnly` without the token."""
    token = request.app.state.settings.operator_token
    given = (authorization or "").removeprefix("Bearer ").strip()
    if not token or not secrets.compare_digest(given.encode(), token.encode()):
        raise OperatorsOnly
