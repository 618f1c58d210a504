"""Mails that came back, and complaints: they stop mails of notices to an address."""
