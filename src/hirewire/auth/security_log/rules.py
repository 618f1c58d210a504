"""What the security log notes, and for how long it is kept."""

from datetime import timedelta
from typing import Literal

What = Literal[
    "signed_in",
    "signed_in_elsewhere",
    "sign_in_failed",
    "sign_in_locked",
    "signed_out",
    "session_ended",
    "other_sessions_ended",
    "refresh_reused",
    "registration_tried",
    "password_changed",
    "password_reset",
    "email_verified",
    "email_change_requested",
    "email_changed",
    "passkey_added",
    "passkey_removed",
    "passkey_copied",
    "two_step_on",
    "two_step_off",
    "second_step_failed",
    "recovery_code_used",
    "recovery_codes_made",
    "token_made",
    "token_revoked",
    "identity_connected",
    "identity_disconnected",
    "blocked",
    "unblocked",
    "sessions_ended_by_operator",
    "reset_link_by_operator",
    "email_verified_by_operator",
    "admin_made",
    "admin_removed",
]
"""The acts. `web/i18n/labels.py` has a label for each (`act_…`)."""
KEPT = timedelta(days=365)
