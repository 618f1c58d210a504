"""Notices, mails and webhooks while what they need is killed and frozen."""
