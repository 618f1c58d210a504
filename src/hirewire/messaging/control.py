"""Control messages, which pass through the queues among the events but are no events."""

BARRIER = "hirewire.fence"
"""Type of a barrier (see `reconciliation.barriers`)."""
WATERMARK = "hirewire.history"
"""Type of the low or high watermark of a replay (see `reconciliation.cutover`)."""
