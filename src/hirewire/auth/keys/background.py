"""The background task that rotates signing keys."""

import asyncio

import structlog

from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

EVERY_SECONDS = 3600.0


async def rotate_signing_keys(transactions: Transactions) -> None:
    """Create due keys at the start and then every hour. Runs until it is cancelled."""
    while True:
        async with transactions() as tx:
            kid = await ensure_signing_key(tx)
        if kid is not None:
            log.info("signing key created", kid=kid)
        await asyncio.sleep(EVERY_SECONDS)
