"""The consumer side: from the broker's queue to a committed effect."""
