"""Mails: queue, transports and their looks."""
