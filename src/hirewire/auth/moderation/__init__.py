"""Mails about decisions of operators."""
