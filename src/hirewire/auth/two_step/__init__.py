"""Sign-in in two steps: codes of an authenticator app (TOTP), and recovery codes."""
