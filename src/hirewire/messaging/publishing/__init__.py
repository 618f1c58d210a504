"""The publishing side: events recorded with their transaction, and sent by the relay."""
