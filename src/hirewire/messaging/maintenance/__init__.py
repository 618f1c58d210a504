"""Retention of log and inbox, and gauges of the backlog."""
