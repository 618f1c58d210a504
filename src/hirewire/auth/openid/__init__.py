"""OpenID Connect, as a client: discovery, the exchange of a code, ID tokens."""
