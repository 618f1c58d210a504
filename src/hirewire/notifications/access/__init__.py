"""Which access tokens are accepted here."""
