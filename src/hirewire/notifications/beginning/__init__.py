"""Whether all is known that was before this service."""
