"""The brokers: one file each, held to one contract."""
