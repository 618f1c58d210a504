"""Mails about notices: at once, or gathered by the hour, the day or the week."""
