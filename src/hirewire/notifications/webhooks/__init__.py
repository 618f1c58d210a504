"""Webhooks: events sent to receivers that companies and operators name."""
