"""Sign-in at OpenID Connect providers, and the identities there that an account is connected to."""
