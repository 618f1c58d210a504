"""What the security log notes, and for how long it is kept."""

from datetime import timedelta
from typing import Literal

from hirewire.auth.acts import Act

What = Literal[
    Act,
    "signed_in",
    "signed_in_elsewhere",
    "sign_in_failed",
    "signed_out",
    "session_ended",
    "other_sessions_ended",
    "refresh_reused",
    "password_reset",
    "email_verified",
    "export_asked",
    "export_downloaded",
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
