"""What the API shows of webhooks and deliveries."""

from collections.abc import Sequence
from typing import Any

from hirewire.notifications.webhooks import models, rules
from hirewire.notifications.webhooks.queries import Listed


def webhook(one: Listed) -> models.Webhook:
    """A webhook."""
    return models.Webhook(
        id=one.id,
        owner="board" if one.company_id is None else "company",
        url=one.url,
        events=list(one.events),
        created_at=one.created_at,
        on=one.is_on,
        off_at=one.off_at,
        off_reason=one.off_reason,
        failures=one.failures,
        failing_since=one.failing_since,
        waiting=one.waiting,
        dead=one.dead,
        old_secret_until=one.old_secret_until,
    )


def delivery(row: Any) -> models.Delivery:
    """A line of the list of deliveries."""
    return models.Delivery(
        id=row.id,
        webhook_message_id=rules.message_id(row.event_id),
        event=row.type,
        at=row.at,
        state=row.state,
        attempts=row.attempts,
        ended_at=row.ended_at,
        next_attempt_at=row.next_attempt_at,
        last_at=row.last_at,
        last_status=row.last_status,
        last_error=row.last_error,
    )


def whole(row: Any, attempts: Sequence[Any]) -> models.WholeDelivery:
    """A delivery with the request and all answers."""
    return models.WholeDelivery(
        id=row.id,
        webhook_message_id=rules.message_id(row.event_id),
        event=row.type,
        at=row.at,
        state=row.state,
        ended_at=row.ended_at,
        body=row.body,
        is_cut=row.is_cut,
        attempts=[
            models.Attempt(
                at=one.at,
                seconds=one.seconds,
                url=one.url,
                status=one.status,
                error=one.error,
                headers=one.headers or {},
                body=one.answer,
                is_cut=one.is_cut,
            )
            for one in attempts
        ],
    )
