"""Verified addresses: by the link or the code of a mail."""
