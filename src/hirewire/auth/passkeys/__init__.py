"""Passkeys: sign-in without a password (WebAuthn)."""
