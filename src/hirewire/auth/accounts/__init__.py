"""Registration and accounts."""
