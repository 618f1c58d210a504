"""API keys of companies: made, rotated and revoked by employers; exchanged by the gateway."""
