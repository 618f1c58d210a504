"""Control messages: they pass through the queues among the events, and are none."""

BARRIER = "hirewire.fence"
"""Type of a barrier (see `reconciliation.barriers`)."""
WATERMARK = "hirewire.history"
"""Type of the low or high watermark of a replay (see `reconciliation.cutover`)."""
