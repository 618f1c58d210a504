"""Mail that is not lost: queued in the transaction that makes it necessary, sent afterwards."""
