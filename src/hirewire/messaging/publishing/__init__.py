"""The publisher side: events recorded in their transaction, and published by the relay."""
