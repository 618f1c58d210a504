"""The brokers: one module each, tested by one contract suite."""
