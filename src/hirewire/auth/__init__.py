"""Users, credentials, sessions, signing keys and roles."""
