"""Event handlers of `notifications` for signing keys, and for people whose tokens are refused."""

from hirewire.contracts.auth import SigningKeyPublished, UserBlocked
from hirewire.kit import keyring, refusals
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Reject
from hirewire.messaging.transaction import Tx


async def on_signing_key_published(tx: Tx, received: Received[SigningKeyPublished]) -> None:
    """Store a public key, so that tokens signed with it are accepted."""
    key = received.event
    try:
        await keyring.store(
            tx, kid=key.kid, jwk=key.jwk, not_before=key.not_before, not_after=key.not_after
        )
    except ValueError as error:
        raise Reject(f"jwk: {error}") from None


async def on_user_blocked(tx: Tx, received: Received[UserBlocked]) -> None:
    """Refuse the access tokens of a user who was blocked, and older ones of an unblocked user."""
    event = received.event
    await refusals.note_block(tx, event.user_id, is_blocked=event.blocked, at=event.at)
