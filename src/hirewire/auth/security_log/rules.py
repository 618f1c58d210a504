"""What the security log notes, and for how long it is kept."""

from datetime import timedelta
from typing import Literal

What = Literal[
    "signed_in",
    "sign_in_failed",
    "sign_in_locked",
    "signed_out",
    "session_ended",
    "other_sessions_ended",
    "refresh_reused",
    "password_changed",
    "password_reset",
    "email_verified",
]
"""The acts. `web/i18n/labels.py` has a label for each (`act_…`)."""
KEPT = timedelta(days=365)
