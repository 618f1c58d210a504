"""Acts by which a stolen account would be noticed."""

from typing import Literal

Act = Literal[
    "passkey_added",
    "passkey_removed",
    "passkey_copied",
    "two_step_on",
    "two_step_off",
    "second_step_failed",
    "recovery_code_used",
    "recovery_codes_made",
    "sign_in_locked",
    "registration_tried",
    "email_change_requested",
    "email_changed",
    "password_changed",
    "token_made",
    "token_revoked",
    "tokens_revoked",
    "api_key_made",
    "api_key_rotated",
    "api_key_revoked",
    "identity_connected",
    "identity_disconnected",
]
"""The security log has them (`What`), and a mail notifies of them (`Kind`)."""
