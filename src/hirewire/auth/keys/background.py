"""The background task that rotates signing keys."""

import structlog

from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)


async def rotate_signing_keys(transactions: Transactions) -> bool:
    """Create the key that is due, if any. Returns False: one call does all the work."""
    async with transactions() as tx:
        kid = await ensure_signing_key(tx)
    if kid is not None:
        log.info("signing key created", kid=kid)
    return False


ROTATE_SIGNING_KEYS = PeriodicTask("signing keys", rotate_signing_keys, every=3600.0)
