"""The consuming side: from the queue of the broker to an effect that is committed."""
