"""The events of the shop. Each has one owner, who alone publishes it."""

from uuid import UUID

from hirewire.messaging.event import Event


class OrderPlaced(Event, name="order.placed", owner="orders", key="order_id"):
    """A customer has placed an order."""

    order_id: UUID
    customer: str
    amount: int


class PaymentReceived(Event, name="payment.received", owner="payments", key="order_id"):
    """An order is paid."""

    order_id: UUID
    amount: int
