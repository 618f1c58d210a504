"""Personal access tokens: made, listed and revoked by a person; exchanged by the gateway."""
